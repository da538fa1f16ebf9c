// The form of one product: filled by hand or from the reserve, sent once however often it is asked to be.
import { Problem, ask, call, problemText, say, text } from "../page.js";
import { attachAnswer, showAnswer } from "./answer.js";
import { attachPhoto } from "./photo.js";
import { newKey } from "./request_key.js";

const form = document.getElementById("product");
const answer = document.getElementById("answer");
const fields = { designation: form.designation, description: form.description };
const model = document.getElementById("model");
const nothingYet = answer.cloneNode(true).childNodes;

// One key for what the form holds: asked twice, or again after a lost connection, the service keeps one product.
let key = newKey();
let sent = true; // whether losing what the form holds would lose nothing
let busy = false;

const photo = attachPhoto(form, { onChange: changed, onTaken: () => announce("seller.photo_added") });
attachAnswer(answer);
form.addEventListener("input", (event) => {
  if (event.target.type !== "file") changed();
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
document.getElementById("clear").addEventListener("click", clear);
document.getElementById("suggest").addEventListener("click", suggest);
fields.designation.focus();

function changed() {
  key = newKey();
  sent = isEmpty();
}

/** Tell those who cannot see the form what it holds now. */
function announce(what) {
  document.getElementById("product-said").textContent = text(what);
}

function isEmpty() {
  return !fields.designation.value && !fields.description.value && !photo.file();
}

// --- sending --------------------------------------------------------------------------------------------------------

async function send() {
  if (busy) return;
  refuse({});
  if (readsText() && !fields.designation.value.trim()) {
    refuse({ designation: text("seller.designation_needed") });
    return;
  }
  wait(true);
  try {
    const { body } = await call("POST", "/predict", { form: content(), key });
    sent = true;
    await showAnswer(answer, body.id);
  } catch (problem) {
    answer.replaceChildren(...nothingAgain());
    tell(problem);
  } finally {
    wait(false);
  }
}

function content() {
  const data = new FormData();
  for (const [name, field] of Object.entries(fields)) if (field.value) data.set(name, field.value);
  if (photo.file()) data.set("image", photo.file());
  if (model?.value) data.set("model", model.value);
  return data;
}

function readsText() {
  return model ? model.selectedOptions[0].dataset.readsText === "yes" : true;
}

function wait(begins) {
  busy = begins;
  document.getElementById("send").setAttribute("aria-disabled", String(begins));
  if (begins) {
    answer.setAttribute("aria-busy", "true");
    const words = document.createElement("p");
    words.className = "skeleton muted";
    words.textContent = text("seller.sending");
    answer.replaceChildren(words);
  } else {
    answer.removeAttribute("aria-busy");
  }
}

function nothingAgain() {
  return [...nothingYet].map((node) => node.cloneNode(true));
}

// --- refusals -------------------------------------------------------------------------------------------------------

/** Show each refusal at its field, and lead to the first; an empty one takes them all away. */
function refuse(found) {
  for (const [name, field] of Object.entries(fields)) {
    document.getElementById(`${name}-error`).textContent = found[name] ?? "";
    field.setAttribute("aria-invalid", String(name in found));
  }
  photo.refuse(found.image ?? "");
  document.getElementById("product-error").textContent = found.all ?? "";
  const first = Object.keys(found)[0];
  (fields[first] ?? (first === "image" ? document.getElementById("photo") : null))?.focus();
}

function tell(problem) {
  if (!(problem instanceof Problem)) refuse({ all: problemText(problem) });
  else if (problem.status === 503 || problem.status === 429) {
    refuse({ all: `${problemText(problem)} ${text("seller.nothing_lost")}` });
  } else if (problem.code === "prediction.no_designation") refuse({ designation: problemText(problem) });
  else if (problem.code.startsWith("image.") || problem.status === 413) refuse({ image: problemText(problem) });
  else if (problem.errors.length) refuse(refusalsOf(problem));
  else refuse({ all: problemText(problem) });
  if (problem.code === "prediction.erased") key = newKey(); // what was sent under the old one is gone for good
}

function refusalsOf(problem) {
  const named = problem.errors.map((error) => error.loc[1]).filter((name) => name in fields);
  if (!named.length) return { all: problemText(problem) };
  const told = (name) => text(`seller.refused_${name}`, { most: fields[name].maxLength });
  return Object.fromEntries(named.map((name) => [name, told(name)]));
}

// --- filling --------------------------------------------------------------------------------------------------------

function clear() {
  form.reset();
  photo.clear();
  refuse({});
  changed();
  answer.replaceChildren(...nothingAgain());
  fields.designation.focus();
}

async function suggest() {
  if (busy || !(sent || isEmpty() || (await mayReplace()))) return;
  try {
    const { status, body } = await call("GET", "/reserve/next");
    if (status === 204) {
      say(text("seller.reserve_empty"));
      return;
    }
    await fill(body);
  } catch (problem) {
    say(problemText(problem), { kind: "bad" });
  }
}

function mayReplace() {
  const title = text("seller.overwrite_title");
  return ask({ title, body: text("seller.overwrite_body"), confirm: text("seller.overwrite") });
}

async function fill(product) {
  const file = product.image && (await photoAt(product.image));
  refuse({});
  photo.clear();
  fields.designation.value = product.designation;
  fields.description.value = product.description ?? "";
  if (file) await photo.set(file);
  else if (product.image) photo.refuse(text("seller.photo_not_loaded"));
  changed();
  sent = true; // another suggestion may take its place unasked
  announce("seller.suggested_filled");
  document.getElementById("send").focus();
}

/** A suggested product's photo as a file; null where it could not be loaded. */
async function photoAt(path) {
  try {
    const response = await fetch(path, { headers: { Accept: "image/jpeg" } });
    return response.ok ? new File([await response.blob()], "photo.jpg", { type: "image/jpeg" }) : null;
  } catch {
    return null;
  }
}
