// Choosing pictures: from the device, by dropping or pasting them, from the camera, or from those offered here.

import { hasCamera, takePhoto } from "./camera.js";
import { address, make, words } from "./dom.js";

const ACCEPTED = { picture: "image/*,.heic,.heif", file: "*/*" };

/**
 * A place for one picture or several.
 * @param {object} given
 * @param {string} given.name the request's field
 * @param {string} given.title what people call it
 * @param {boolean} given.many
 * @param {"picture"|"file"} given.kind
 * @param {boolean} given.camera whether a photo may be taken
 * @param {(pictures: Blob[]) => void} given.changed
 */
export function pictures({ name, title = words(name), many = false, kind = "picture", camera = false, changed = () => {} }) {
  let chosen = [];
  const input = make("input", { type: "file", id: `field-${name}`, name, accept: ACCEPTED[kind], multiple: many, class: "file" });
  const shown = make("ul", { class: "chosen" });
  const words_ = make("span", {}, many ? `Choose ${kind}s, or drop them here` : `Choose a ${kind}, or drop one here`);
  const zone = make("label", { class: "zone", for: input.id }, make("b", {}, title), words_, input);
  const buttons = make("p", { class: "row" });
  if (camera && hasCamera()) {
    buttons.append(make("button", { type: "button", onclick: async () => add([await takePhoto()]) }, "Take a photo"));
  }
  const element = make("div", { class: "picture" }, zone, buttons, shown);

  const set = (blobs) => {
    chosen = many ? blobs : blobs.slice(-1);
    shown.replaceChildren(...chosen.map((blob, i) => item(blob, i)));
    zone.classList.toggle("filled", chosen.length > 0);
    changed(chosen);
  };
  const add = (blobs) => {
    const real = blobs.filter(Boolean);
    if (real.length) set(many ? [...chosen, ...real] : real);
  };
  const item = (blob, i) => {
    const called = many ? `${title} ${i + 1}` : title;
    const picture = make("img", { src: address(blob), alt: called });
    picture.onerror = () => picture.replaceWith(make("span", { class: "unseen" }, blob.name ?? "a file this browser cannot show"));
    const drop = make("button", { type: "button", "aria-label": `Remove ${called}`, onclick: () => set(chosen.filter((_, k) => k !== i)) }, "×");
    return make("li", {}, picture, drop);
  };

  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  for (const gone of ["dragleave", "drop"]) zone.addEventListener(gone, () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    add([...event.dataTransfer.files]);
  });
  return { element, buttons, input, get: () => chosen, set, add };
}

/**
 * Pictures to choose from, one at a time.
 * @param {string} legend
 * @param {{label: string, picture: string|Blob, value: any}[]} offered
 * @param {(value: any) => void} chose
 */
export function gallery(legend, offered, chose) {
  const buttons = offered.map(({ label, picture, value }) =>
    make(
      "button",
      {
        type: "button",
        "aria-pressed": "false",
        title: label,
        onclick: (event) => {
          press(event.currentTarget);
          chose(value);
        },
      },
      make("img", { src: picture instanceof Blob ? address(picture) : picture, alt: label, loading: "lazy" }),
    ),
  );
  const press = (pressed) => {
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === pressed));
  };
  const element = make("div", { class: "gallery", role: "group", "aria-label": legend }, ...buttons);
  return { element, unpress: () => press(null) };
}
