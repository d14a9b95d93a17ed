// What came out: pictures to compare, an avatar to turn, films, files to keep, and what was said about it.

import { compare } from "./compare.js";
import { address, make, words } from "./dom.js";
import { blob } from "./service.js";

const FIGURE = "model/gltf-binary";

/**
 * @param {object} entry of `kept.js`, with its answer
 * @param {{again: () => void, repeat: (seed: number) => void}} actions
 */
export async function result(entry, actions) {
  const files = await opened(entry);
  const figures = files.filter((file) => file.type === FIGURE);
  const stills = files.filter((file) => file.type.startsWith("image/"));
  const parts = [make("h2", {}, "Here it is")];
  const dressed = stills.length > 0 && (entry.before || !figures.length);
  if (dressed) parts.push(...pictures(entry.before, stills));
  if (figures.length) parts.push(...(await turned(figures)));
  if (stills.length && !dressed) parts.push(make("details", { class: "more" }, make("summary", {}, `Pictures (${stills.length})`), ...pictures(null, stills)));
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

function pictures(before, stills) {
  const place = make("div", {}, compare(before ?? null, stills[0].content));
  if (stills.length === 1) return [place];
  const shown = (file) => make("img", { src: address(file.content), alt: words(file.name) });
  const choose = choices(stills, shown, (file) => place.replaceChildren(compare(before ?? null, file.content)));
  return [place, make("div", { class: "gallery", role: "group", "aria-label": "All pictures" }, ...choose)];
}

/** A figure to turn; of several, such as a person and the clothes alone, one at a time. */
async function turned(figures) {
  const place = make("div", {}, await figure(figures[0]));
  if (figures.length === 1) return [place];
  const choose = choices(figures, called, async (file) => place.replaceChildren(await figure(file)));
  return [place, make("p", { class: "row", role: "group", "aria-label": "What is shown" }, ...choose)];
}

const called = (file) => words(file.name.split(".")[0]);

/** Buttons of which one is pressed, the first at first. */
function choices(files, shown, chose) {
  const buttons = files.map((file, i) =>
    make(
      "button",
      {
        type: "button",
        "aria-pressed": String(i === 0),
        onclick: (event) => {
          for (const button of buttons) button.setAttribute("aria-pressed", String(button === event.currentTarget));
          chose(file);
        },
      },
      shown(file),
    ),
  );
  return buttons;
}

async function figure(file) {
  try {
    const { viewer } = await import("./viewer.js");
    return await viewer(address(file.content));
  } catch (error) {
    return make("p", { class: "problem" }, `This browser cannot show it in three dimensions (${error.message}). It can be downloaded below.`);
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
