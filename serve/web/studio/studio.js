// The page: choose, hand in, follow, show, and find again.

import { address, find, make, show, words } from "./dom.js";
import { requestForm } from "./form.js";
import * as kept from "./kept.js";
import { begin, tell } from "./progress.js";
import { result } from "./result.js";
import { Refused, askForToken, cancel, catalogue, follow, hasToken, models, submit } from "./service.js";
import { people } from "./people.js";

const VERBS = { tryon: "Dress", avatar: "Make the avatar" };
const WAIT_MS = 2000; // until asked again whether the service is ready

let form = null;
let running = null; // {entry, abort}

start();

async function start() {
  find("token").addEventListener("click", askForToken);
  find("cancel").addEventListener("click", stop);
  find("forget").addEventListener("click", forget);
  try {
    const offers = await ready();
    const offered = { ...(await catalogue()), people };
    show(find("token"), hasToken());
    tabs(offers.models, offered);
    await showKept();
    await resume();
  } catch (error) {
    blame(error);
  }
}

/** The offers of a service that is ready; says so while it is not. */
async function ready() {
  for (;;) {
    const offers = await models();
    const some = Object.keys(offers.models).length > 0;
    const state = find("state");
    show(state, !some);
    if (some) return offers;
    state.textContent = `The service is ${offers.state}. This page goes on by itself.`;
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}

function tabs(engines, offered) {
  const types = new Map();
  for (const [name, engine] of Object.entries(engines)) {
    if (engine.untrained && !engine.default) continue;
    types.set(engine.type, [...(types.get(engine.type) ?? []), [name, engine]]);
  }
  const made = new Map();
  const buttons = [...types.keys()].map((type) => make("button", { type: "button", "data-type": type, onclick: () => choose(type) }, words(TITLES[type] ?? type)));
  const choose = (type) => {
    if (!made.has(type)) made.set(type, requestForm(type, types.get(type), offered));
    form = made.get(type);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.type === type));
    const go = make("button", { type: "submit", class: "main", id: "go" }, VERBS[type] ?? "Go");
    find("form").replaceChildren(form.element, make("p", { class: "go" }, go));
  };
  find("types").replaceChildren(...buttons);
  find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    go();
  });
  const [first] = types.keys();
  if (first) choose(first);
}

const TITLES = { tryon: "try on" };

async function go() {
  if (running) return;
  form.absolve();
  clear();
  const missing = form.missing();
  if (missing) return blame(new Refused({ detail: `First choose a picture: ${words(missing)}.`, field: missing }));
  const { fields, files, before, garment } = form.request();
  const abort = new AbortController();
  running = { abort, entry: null };
  open("work");
  comeIntoView(find("work"));
  begin(before ?? first(files), garment);
  try {
    const job = await submit(fields, files);
    const entry = { id: job.id, at: Date.now(), type: fields.type, job, before, garment, answer: null, files: null };
    running.entry = entry;
    await kept.keep(entry);
    await finish(entry, abort.signal);
  } catch (error) {
    await failed(error);
  } finally {
    running = null;
  }
}

const first = (files) => Object.values(files).flat()[0] ?? null;

/** Follow a job that was handed in, and show and keep what comes of it. */
async function finish(entry, signal) {
  const answer = await follow(entry.job, tell, signal);
  entry.answer = answer;
  await present(entry);
  await kept.keep(entry);
  await showKept();
}

/** A job that was running when the page was left. */
async function resume() {
  const entry = (await kept.all()).find((one) => one.answer === null);
  if (!entry) return;
  const abort = new AbortController();
  running = { abort, entry };
  find("types").querySelector(`[data-type="${CSS.escape(entry.type)}"]`)?.click();
  open("work");
  comeIntoView(find("work"));
  begin(entry.before, entry.garment);
  find("doing").textContent = "Found again";
  try {
    await finish(entry, abort.signal);
  } catch (error) {
    await failed(error);
  } finally {
    running = null;
  }
}

async function failed(error) {
  if (running?.entry) await kept.remove(running.entry.id);
  open("empty");
  if (error.name !== "AbortError") blame(error);
}

async function stop() {
  if (!running) return;
  const { entry, abort } = running;
  abort.abort();
  if (entry) await cancel(entry.job).catch(() => null);
  open("empty");
  find("go").focus();
}

/** Say what went wrong, where it went wrong. */
function blame(error) {
  const said = error instanceof Refused ? error.message : `The page has a fault: ${error.message}`;
  const problem = find("problem");
  problem.textContent = said;
  show(problem);
  if (!(error instanceof Refused)) console.error(error);
  else if (form?.blame(error.problem.field, said)) return;
  comeIntoView(problem);
}

/** Below the form, as on a phone, nobody would see it. */
function comeIntoView(element) {
  const { top } = element.getBoundingClientRect();
  if (top < 0 || top > 0.4 * innerHeight) element.scrollIntoView();
}

async function present(entry) {
  const parts = await result(entry, { again: () => form.again(), repeat: (seed) => form.repeat(seed) });
  find("result").replaceChildren(...parts);
  open("result");
  find("result").focus({ preventScroll: false });
}

function open(id) {
  for (const other of ["empty", "work", "result"]) show(find(other), other === id);
}

function clear() {
  show(find("problem"), false);
}

async function showKept() {
  const ended = (await kept.all()).filter((entry) => entry.answer !== null);
  show(find("earlier"), ended.length > 0);
  const items = ended.map((entry) => {
    const picture = entry.files?.find((file) => file.type.startsWith("image/"))?.content ?? entry.before;
    const label = `${words(TITLES[entry.type] ?? entry.type)} of ${new Date(entry.at).toLocaleString()}`;
    const inner = picture ? make("img", { src: address(picture), alt: label }) : make("span", {}, label);
    return make("li", {}, make("button", { type: "button", onclick: () => again(entry) }, inner));
  });
  find("kept").replaceChildren(...items);
}

async function again(entry) {
  clear();
  try {
    await present(entry);
  } catch (error) {
    blame(error);
  }
}

async function forget() {
  await kept.forget();
  await showKept();
  open(running ? "work" : "empty");
  find("main").focus();
}
