// A try-on, a job and a form by the types of openapi-typescript: node dress.js URL, pictures as JSON on the command line.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type TryOn = components["schemas"]["CatvtonRequest"];

declare const process: { argv: string[] };
const [url, given] = process.argv.slice(2);
const pictures = JSON.parse(given!) as { person: string; garment: string; mask: string };
const client = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: url! });

const request: TryOn = { type: "tryon", ...pictures, width: 96, height: 128, steps: 2, seed: 7 };
// @ts-expect-error: there is no such field
const misspelt: TryOn = { ...request, sede: 7 };
// @ts-expect-error: a person is needed
const nobody: TryOn = { garment: pictures.garment };
void [misspelt, nobody];

const { data: answer, error } = await client.POST("/invocations", { body: { ...request, output: { format: "jpeg" } } });
if (!answer) throw new Error(`${error.code}: ${error.detail}`);
const [output] = answer.outputs;
if (!output || !("data" in output)) throw new Error("the picture is not in the answer");

const { data: taken } = await client.POST("/api/jobs", { body: { ...request, id: "a-job-of-typescript" } });
if (!taken) throw new Error("the job was not taken");
const path = { job_id: taken.id };
let job: components["schemas"]["Job"] | undefined;
do {
  await new Promise((resolve) => setTimeout(resolve, 50));
  job = (await client.GET("/api/jobs/{job_id}", { params: { path } })).data;
} while (job?.state === "queued" || job?.state === "running");

const picture = async (data: string) => (await fetch(`data:image/png;base64,${data}`)).blob();
const form = new FormData();
for (const [name, data] of Object.entries(pictures)) form.append(name, await picture(data), `${name}.png`);
for (const [name, value] of Object.entries({ width: 96, height: 128, steps: 2 })) form.append(name, String(value));
const { data: made } = await client.POST("/invocations", {
  body: {} as components["schemas"]["Form"],
  bodySerializer: () => form,
  headers: { Accept: "image/png" },
  parseAs: "blob",
});

console.log(JSON.stringify({
  seed: answer.seed,
  type: output.content_type,
  bytes: output.data.length,
  job: job?.answer?.outputs.map((one) => one.name),
  made: made && [made.type, made.size],
}));
