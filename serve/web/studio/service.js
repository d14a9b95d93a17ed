// All that is asked of the service. Nothing else on the page talks to it.

import { find, show } from "./dom.js";

const TOKEN = "atelier.token";

/** Why the service refused: `problem` is its `application/problem+json`. */
export class Refused extends Error {
  constructor(problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

/** Fetch from the service, with the token if there is one. Throws Refused. */
export async function ask(path, options = {}) {
  for (;;) {
    const token = localStorage.getItem(TOKEN);
    const headers = new Headers(options.headers);
    if (token) headers.set("Authorization", `Bearer ${token}`);
    let response;
    try {
      response = await fetch(path, { ...options, headers });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused({ detail: "The service does not answer. Is it running, and is this device online?" });
    }
    if (response.status === 401) {
      if (await askForToken()) continue;
      throw new Refused({ detail: "Without the token nothing can be asked of this service.", status: 401 });
    }
    if (response.ok) return response;
    throw new Refused(await problemOf(response));
  }
}

async function problemOf(response) {
  try {
    return await response.json();
  } catch {
    return { detail: `The service answered ${response.status} ${response.statusText}.`, status: response.status };
  }
}

export const models = async () => (await ask("/api/models")).json();

/** Garments of the catalogue; none where there is no catalogue. */
export async function catalogue() {
  try {
    return await (await ask("/api/catalogue")).json();
  } catch (error) {
    if (error instanceof Refused && error.problem.status === 404) return { garments: [] };
    throw error;
  }
}

/** A file of the service as a blob. */
export const blob = async (path) => (await ask(path)).blob();

/** Hand a job in: `fields` as JSON, `files` (name -> blob or list of blobs) as they are. */
export async function submit(fields, files) {
  const response = await ask("/api/jobs", { method: "POST", body: form(fields, files) });
  return response.json();
}

/** The automatic mask as a picture. */
export async function automaticMask(fields, person) {
  const body = form({ ...fields, mask_only: true }, { person });
  return (await ask("/invocations", { method: "POST", body, headers: { Accept: "image/png" } })).blob();
}

function form(fields, files) {
  const body = new FormData();
  body.append("request", JSON.stringify(fields));
  for (const [name, given] of Object.entries(files)) {
    for (const file of [given].flat()) body.append(name, file, file.name ?? name);
  }
  return body;
}

export const state = async (job) => (await ask(job.url)).json();

export const cancel = (job) => ask(job.url, { method: "DELETE" });

/**
 * Follow a job to its end, across lost connections.
 * @param {{url: string, events_url: string}} job
 * @param {(progress: object) => void} told
 * @param {AbortSignal} signal
 * @returns {Promise<object>} the answer, with `urls`. Throws Refused with the job's problem.
 */
export function follow(job, told, signal) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(job.events_url);
    const end = (settle, value) => {
      source.close();
      settle(value);
    };
    const read = (event) => JSON.parse(event.data);
    source.addEventListener("progress", (event) => told(read(event)));
    source.addEventListener("answer", (event) => end(resolve, read(event)));
    source.addEventListener("problem", (event) => end(reject, new Refused(read(event))));
    source.addEventListener("end", () => source.close());
    source.addEventListener("error", async () => {
      if (source.readyState !== EventSource.CLOSED) return; // it comes back by itself
      try {
        const found = await state(job);
        if (found.answer) resolve({ ...found.answer, urls: found.urls });
        else if (found.problem) reject(new Refused(found.problem));
        else setTimeout(() => follow({ ...job, events_url: found.events_url }, told, signal).then(resolve, reject), 2000);
      } catch (error) {
        reject(error);
      }
    });
    signal.addEventListener("abort", () => end(reject, new DOMException("cancelled", "AbortError")));
  });
}

/** Ask for the token; whether one was given. */
export function askForToken() {
  const dialog = find("token-dialog");
  const value = find("token-value");
  value.value = "";
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        if (dialog.returnValue === "use" && value.value) localStorage.setItem(TOKEN, value.value.trim());
        else localStorage.removeItem(TOKEN);
        show(find("token"), localStorage.getItem(TOKEN) !== null);
        resolve(localStorage.getItem(TOKEN) !== null);
      },
      { once: true },
    );
  });
}

export const hasToken = () => localStorage.getItem(TOKEN) !== null;
