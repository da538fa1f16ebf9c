// Many products of one category: choose by arrows and space, accept all that are chosen in one step, or none of them.
import { call, keys, loadFragment, once, Problem, problemText, say, text } from "../page.js";
import { openHelp } from "./dialogs.js";
import { asked, onFilters } from "./filters.js";
import { newKey } from "./names.js";
import { inWords, lastVerdict } from "./verdicts.js";

const place = document.getElementById("cards");
const selected = document.getElementById("selected");
const state = { cursor: new URLSearchParams(location.search).get("cursor"), busy: false, sent: null, done: [] };

// --- what is on the page --------------------------------------------------------------------------------------------

function cards() {
  return [...place.querySelectorAll(".grid-card")];
}

function boxOf(card) {
  return card.querySelector("input");
}

function chosen() {
  return cards().filter((card) => boxOf(card).checked);
}

function titleOf(card) {
  return card.querySelector(".grid-title").textContent;
}

/** Say how many are chosen, and what the buttons do now. */
function showSelected() {
  const n = chosen().length;
  selected.textContent = text("review.grid_selected", { n });
  document.getElementById("all-words").textContent = text(n > 0 ? "review.grid_none" : "review.grid_all");
  document.getElementById("next").disabled = !nextCursor();
}

/** Load one page of the grid; the address names it, so that it can be shared and gone back to. */
async function load(cursor, { push = false } = {}) {
  state.cursor = cursor;
  const query = asked();
  if (cursor) query.set("cursor", cursor);
  if (push) history.pushState(null, "", `?${query}`);
  place.setAttribute("aria-busy", "true");
  try {
    const part = await loadFragment(`/review/grid/cards?${query}`);
    const hadFocus = place.contains(document.activeElement) || document.activeElement === document.body;
    place.replaceChildren(part);
    if (hadFocus && cards().length) boxOf(cards()[0]).focus();
  } catch (problem) {
    say(problemText(problem), { kind: "bad", action: { label: text("review.try_again"), run: () => load(cursor) } });
  } finally {
    place.setAttribute("aria-busy", "false");
    showSelected();
  }
}

// --- moving and choosing --------------------------------------------------------------------------------------------

function move(by) {
  const all = cards();
  if (!all.length) return;
  const at = all.findIndex((card) => card.contains(document.activeElement));
  const to = at < 0 ? 0 : Math.min(all.length - 1, Math.max(0, at + by));
  focusOn(all[to]);
}

/** One card of the grid is in the order of the Tab key: the one that had the focus last. */
function focusOn(card) {
  for (const other of cards()) boxOf(other).tabIndex = other === card ? 0 : -1;
  boxOf(card).focus();
}

function columns() {
  const all = cards();
  const top = all[0]?.offsetTop;
  return Math.max(1, all.filter((card) => card.offsetTop === top).length);
}

function chooseAll() {
  const value = chosen().length === 0;
  for (const card of cards()) boxOf(card).checked = value && !boxOf(card).disabled;
  showSelected();
}

// --- deciding -------------------------------------------------------------------------------------------------------

async function accept() {
  const picked = chosen();
  if (!picked.length) return say(text("review.grid_nothing"));
  const code = Number(asked().get("code"));
  const items = picked.map((card) => ({
    id: card.dataset.id,
    accept: true,
    prdtypecode: code,
    version: Number(card.dataset.version),
  }));
  const answer = await post("/predictions/validate", { items }, (problem) => explain(problem, picked));
  if (!answer) return;
  state.done.push(answer.items.map(({ id, version }) => ({ id, version })));
  say(text("review.grid_done", { n: items.length }), {
    kind: "good",
    action: { label: text("review.undo"), run: undo },
  });
  await load(state.cursor);
}

async function undo() {
  const items = state.done.at(-1);
  if (!items) return say(text("review.nothing_to_undo"));
  const refused = (problem) => {
    state.done.pop(); // a batch has it, or a colleague: it stays as it is
    const why = problem.code === "review.already_claimed" ? text("review.too_late") : problemText(problem);
    say(text("review.grid_not_undone", { why }), { kind: "bad" });
  };
  if (!(await post("/predictions/undo", { items }, refused))) return;
  state.done.pop();
  say(text("review.grid_undone", { n: items.length }), { kind: "good" });
  await load(state.cursor);
}

/** Send one decision about many; the same one sent again after a lost answer keeps its name and is done once. */
async function post(path, body, refused) {
  if (state.busy) return null;
  const content = path + JSON.stringify(body);
  if (state.sent?.content !== content) state.sent = { content, key: newKey() };
  setBusy(true);
  try {
    const { body: answer } = await call("POST", path, { json: body, key: state.sent.key });
    state.sent = null;
    return answer;
  } catch (problem) {
    if (problem instanceof Problem && problem.status < 500 && ![401, 408, 429].includes(problem.status)) {
      state.sent = null; // refused: asked again, it is another request
      await refused(problem);
    } else {
      say(problemText(problem), { kind: "bad" });
    }
    return null;
  } finally {
    setBusy(false);
  }
}

/** Mark the product that a colleague was faster with; all others stay chosen. */
async function explain(problem, picked) {
  const at = problem.errors[0]?.loc?.[2];
  const card = picked[at];
  if (!card) return say(problemText(problem), { kind: "bad" });
  boxOf(card).checked = false;
  boxOf(card).disabled = true;
  card.classList.add("refused");
  const verdict = await lastVerdict(card.dataset.id);
  card.querySelector(".grid-note").textContent = verdict ? await inWords(verdict) : problemText(problem);
  say(text("review.grid_refused", { title: titleOf(card), n: chosen().length }), { kind: "bad" });
  showSelected();
}

function setBusy(busy) {
  state.busy = busy;
  document.getElementById("grid").setAttribute("aria-busy", String(busy));
}

function nextCursor() {
  return document.getElementById("grid-cards")?.dataset.next;
}

function next() {
  if (nextCursor()) load(nextCursor(), { push: true });
}

// --- keys and buttons -----------------------------------------------------------------------------------------------

const acts = { accept, undo, next, all: chooseAll, help: openHelp };

keys({
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  ArrowUp: () => move(-columns()),
  ArrowDown: () => move(columns()),
  Enter: once(accept),
  a: once(chooseAll),
  u: once(undo),
  n: once(next),
  "?": once(openHelp),
});
document.getElementById("grid").addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (button) acts[button.dataset.do]();
});
place.addEventListener("change", showSelected);
addEventListener("beforeunload", (event) => {
  if (state.busy) event.preventDefault();
});
onFilters(() => load(new URLSearchParams(location.search).get("cursor")));
showSelected();
