// Evidence and guideline beside the product: loaded after it, given up when the next one comes.
import { loadFragment, text } from "../page.js";
import { loadCategories } from "../combobox.js";

const EVIDENCE_AFTER_MS = 250; // whoever decides faster than that does not read it
const EVIDENCE_AGAIN_MS = 2000; // where the service says that it comes later

const evidence = document.getElementById("evidence");
const guide = document.getElementById("guide");
const guides = new Map();
let product = null;
let code = null;
let giveUp = new AbortController();
let timer = null;

for (const [panel, load] of [
  [evidence, () => loadEvidence()],
  [guide, () => loadGuide()],
]) {
  const place = `etalon.closed.${panel.id}`;
  panel.open = read(place) !== "1";
  panel.addEventListener("toggle", () => {
    write(place, panel.open ? "0" : "1");
    if (panel.open) load();
  });
}

/** Load what belongs to the product on the stage; null empties the panels. */
export function showPanels(next) {
  giveUp.abort();
  giveUp = new AbortController();
  clearTimeout(timer);
  product = next;
  body(evidence).replaceChildren();
  if (product === null) return;
  timer = setTimeout(loadEvidence, EVIDENCE_AFTER_MS);
  consider(product.code);
}

/** Show the guideline of the category that somebody thinks of. */
export function consider(next) {
  if (next === code) return;
  code = next;
  loadGuide();
}

export function toggleEvidence() {
  evidence.open = !evidence.open;
  if (evidence.open) evidence.scrollIntoView({ block: "nearest" });
}

async function loadEvidence() {
  const known = body(evidence).firstElementChild;
  if (!evidence.open || product === null || (known && !isComing(known))) return;
  const { signal } = giveUp;
  try {
    const found = await loadFragment(`/review/evidence/${product.id}`, { signal });
    if (signal.aborted) return;
    if (isComing(found.firstElementChild)) timer = setTimeout(loadEvidence, EVIDENCE_AGAIN_MS);
    body(evidence).replaceChildren(found);
  } catch {
    if (!signal.aborted) body(evidence).replaceChildren(note("review.evidence_failed"));
  }
}

function isComing(part) {
  return part.hasAttribute("data-comes-later");
}

async function loadGuide() {
  if (!guide.open || code === null) return;
  const wanted = code;
  name(wanted);
  try {
    if (!guides.has(wanted)) guides.set(wanted, await loadFragment(`/review/guide/${wanted}`));
    if (wanted === code) body(guide).replaceChildren(guides.get(wanted).cloneNode(true));
  } catch {
    if (wanted === code) body(guide).replaceChildren(note("review.guide_failed"));
  }
}

async function name(wanted) {
  const category = (await loadCategories()).find((one) => one.code === wanted);
  const title = document.getElementById("guide-title");
  if (wanted === code && category) title.textContent = text("review.guide_of", { category: category.label });
}

function body(panel) {
  return panel.querySelector(".panel-body");
}

function note(key) {
  const words = document.createElement("p");
  words.className = "muted";
  words.textContent = text(key);
  return words;
}

function read(place) {
  try {
    return localStorage.getItem(place);
  } catch {
    return null;
  }
}

function write(place, value) {
  try {
    localStorage.setItem(place, value);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
}
