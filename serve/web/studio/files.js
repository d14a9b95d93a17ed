// A file that is no picture: from the device, or what an earlier result kept in this browser has made.

import { make, show, words } from "./dom.js";
import * as kept from "./kept.js";
import { pictures } from "./pictures.js";

/**
 * @param {string} name the request's field
 * @param {{many: boolean, made_as: string|null}} about as `/api/models` has it: which file of a job it can be
 */
export function files(name, { many, made_as: made }) {
  const id = `field-${name}-job`;
  const select = make("select", { id });
  const row = make("div", { class: "field" }, make("label", { for: id }, `Or ${name.replaceAll("_", " ")} of an earlier result`), select);
  const input = pictures({
    name,
    many,
    kind: "file",
    changed: (chosen) => {
      if (chosen.length) select.value = "";
    },
  });
  select.addEventListener("change", () => {
    if (select.value) input.set([]);
  });
  const fill = async () => {
    const fitting = made && !many ? (await kept.all()).filter((entry) => entry.answer?.outputs.some((output) => output.name === made)) : [];
    const options = fitting.map(({ id: job, at, type }) => make("option", { value: `job:${job}` }, `${words(type)}, ${new Date(at).toLocaleString()}`));
    const before = select.value;
    select.replaceChildren(make("option", { value: "" }, "None"), ...options);
    if (options.some((option) => option.value === before)) select.value = before;
    show(row, options.length > 0);
  };
  show(row, false);
  addEventListener(kept.CHANGED, fill);
  fill();
  input.element.append(row);
  return { ...input, reference: () => select.value || null };
}
