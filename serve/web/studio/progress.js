// A job on its way: where it waits, what is done to it, and when it should end.

import { address, duration, find, make, show, words } from "./dom.js";

/** Begin: the photo it is about, and what is put on. */
export function begin(before, garment) {
  for (const [id, blob] of [["working", before], ["wearing", garment]]) {
    show(find(id), Boolean(blob));
    if (blob) find(id).src = address(blob);
  }
  find("doing").textContent = "Sending";
  find("foreseen").textContent = "";
  find("stages").replaceChildren();
  find("bar").removeAttribute("value");
  setShare(0);
}

/** What an event of the stream says. */
export function tell({ stage, done, total, position, expected_s: expected }) {
  const waits = position > 0;
  find("doing").textContent = waits ? `Waiting: number ${position} in the queue` : words(stage);
  find("foreseen").textContent = expected === null ? "" : `Ready in ${duration(expected)}`;
  if (waits || total === 0) find("bar").removeAttribute("value");
  else find("bar").value = done / total;
  if (!waits) {
    setShare(total ? done / total : 0);
    tick(stage);
  }
}

function setShare(share) {
  find("working").parentElement.style.setProperty("--share", share);
}

function tick(stage) {
  const stages = find("stages");
  const found = [...stages.children].find((item) => item.dataset.stage === stage);
  for (const item of stages.children) {
    item.classList.add("done");
    item.removeAttribute("aria-current");
  }
  const item = found ?? make("li", { "data-stage": stage }, words(stage));
  item.classList.remove("done");
  item.setAttribute("aria-current", "step");
  if (!found) stages.append(item);
}
