// What came out: pictures to compare, an avatar to turn, films, files to keep, and what was said about it.

import { compare } from "./compare.js";
import { address, make, words } from "./dom.js";
import { blob } from "./service.js";

/**
 * @param {object} entry of `kept.js`, with its answer
 * @param {{again: () => void, repeat: (seed: number) => void}} actions
 */
export async function result(entry, actions) {
  const files = await opened(entry);
  const main = files[0];
  const parts = [make("h2", {}, "Here it is")];
  if (main.type.startsWith("image/")) parts.push(...pictures(entry, files));
  else parts.push(await figure(main));
  parts.push(...films(files));
  parts.push(buttons(entry, actions), downloads(files));
  if (entry.answer.warnings.length) {
    parts.push(make("ul", { class: "notice" }, ...entry.answer.warnings.map((warning) => make("li", {}, warning.message))));
  }
  parts.push(facts(entry.answer));
  return parts;
}

/** Its files as blobs: those kept here, else those of the service. */
async function opened(entry) {
  entry.files ??= await Promise.all(
    entry.answer.outputs.map(async ({ name, content_type: type }) => ({ name, type, content: await blob(entry.answer.urls[name]) })),
  );
  return entry.files;
}

function pictures(entry, files) {
  const shown = files.filter((file) => file.type.startsWith("image/"));
  const place = make("div", {}, compare(entry.before ?? null, shown[0].content));
  if (shown.length === 1) return [place];
  const choose = shown.map((file, i) =>
    make(
      "button",
      {
        type: "button",
        "aria-pressed": String(i === 0),
        onclick: (event) => {
          for (const button of choose) button.setAttribute("aria-pressed", String(button === event.currentTarget));
          place.replaceChildren(compare(entry.before ?? null, file.content));
        },
      },
      make("img", { src: address(file.content), alt: words(file.name) }),
    ),
  );
  return [place, make("div", { class: "gallery", role: "group", "aria-label": "All pictures" }, ...choose)];
}

async function figure(file) {
  try {
    const { viewer } = await import("./viewer.js");
    return await viewer(address(file.content));
  } catch (error) {
    return make("p", { class: "problem" }, `This browser cannot show the avatar (${error.message}). It can be downloaded below.`);
  }
}

function films(files) {
  const film = files.find((file) => file.type === "video/webm") ?? files.find((file) => file.type.startsWith("video/"));
  if (!film) return [];
  return [make("video", { src: address(film.content), controls: true, loop: true, muted: true, playsinline: true, "aria-label": words(film.name) })];
}

function buttons(entry, actions) {
  const again = entry.type === "tryon" ? "Again with another garment" : "Again";
  return make(
    "p",
    { class: "row" },
    make("button", { type: "button", class: "main", onclick: actions.again }, again),
    make("button", { type: "button", onclick: () => actions.repeat(entry.answer.seed) }, `Keep seed ${entry.answer.seed}`),
  );
}

function downloads(files) {
  const links = files.map(({ name, content }) => make("li", {}, make("a", { href: address(content), download: name }, name)));
  return make("details", { class: "more" }, make("summary", {}, `Download (${files.length})`), make("ul", { class: "files" }, ...links));
}

function facts(answer) {
  const told = { engine: answer.engine, seed: answer.seed, ...answer.settings, licence: answer.model.licence };
  const rows = Object.entries(told)
    .filter(([, value]) => value !== null && value !== undefined && typeof value !== "object")
    .flatMap(([name, value]) => [make("dt", {}, words(name)), make("dd", {}, String(value))]);
  return make("details", { class: "more" }, make("summary", {}, "How it was made"), make("dl", {}, ...rows));
}
