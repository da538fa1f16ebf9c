// The models page: serving a model, going back, asking for a retraining, and sorting a table. What is shown after
// something moved comes from the server again, so that a page never claims what the ledger does not say.
import { ask, call, loadFragment, Problem, problemText, say, text } from "./page.js";

const POLL_MS = 400;
const PATIENCE_MS = 60_000;

const notice = document.getElementById("notice");

/** Say something that stays until the next thing is said; a screen reader reads it out. */
function tell(message, kind = "") {
  const line = document.createElement("p");
  line.className = kind ? `card ${kind}` : "card";
  line.textContent = message;
  notice.replaceChildren(line);
  return line;
}

/** Show a part of the page as the server sees it now. Whoever stood on what is gone stands on the notice then. */
async function refresh() {
  const part = document.querySelector("[data-part]");
  try {
    part.replaceChildren(await loadFragment(part.dataset.part));
  } catch (problem) {
    say(problemText(problem), { kind: "bad" });
  }
  if (document.activeElement === document.body) notice.focus();
}

// --- what moves the release -----------------------------------------------------------------------------------------

// One name for one wish: pressed again after a lost connection, it is answered as the first time.
const names = new Map();

function nameOf(wish) {
  if (!names.has(wish)) names.set(wish, Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(16)).join("-"));
  return names.get(wish);
}

/** Send an order made upon `expected_epoch`. Null where it was refused; then the page shows how things stand. */
async function move(path, order) {
  const wish = JSON.stringify([path, order]);
  try {
    const answer = await call("POST", path, { json: order, key: nameOf(wish) });
    names.delete(wish);
    return answer.body;
  } catch (problem) {
    if (!(problem instanceof Problem)) {
      tell(problemText(problem), "error");
      return null;
    }
    names.delete(wish);
    await showRefusal(problem);
    return null;
  }
}

async function showRefusal(problem) {
  const hasMoved = problem.status === 409;
  tell(hasMoved ? `${problemText(problem)} ${text("models.moved")}` : problemText(problem), "error");
  if (hasMoved) await refresh();
}

/** Wait until this service answers with an epoch, and say so. */
async function follow(epoch) {
  tell(text("models.promoted", { epoch }));
  await refresh();
  const until = Date.now() + PATIENCE_MS;
  while (Date.now() < until) {
    const served = await servedEpoch();
    if (served === null) return;
    if (served >= epoch) {
      tell(text("models.now_served", { epoch }), "good");
      await refresh();
      return;
    }
    await new Promise((later) => setTimeout(later, POLL_MS));
  }
  tell(text("models.not_yet_served", { epoch }), "error");
}

/** The epoch that this service answers with; null where it will not tell: the session ended and nobody signed in. */
async function servedEpoch() {
  try {
    return (await call("GET", "/models/champion")).body.epoch;
  } catch (problem) {
    return problem instanceof Problem && problem.status < 500 ? null : 0; // a silent service is waited for
  }
}

async function promote(form) {
  const error = form.querySelector(".error");
  const reason = form.elements.reason;
  const isAgainst = form.dataset.against === "yes";
  const override = isAgainst && form.elements.override.checked;
  const wrong = !reason.value.trim() ? [reason, "models.reason_needed"] : isAgainst && !override ? [form.elements.override, "models.override_needed"] : null;
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  error.textContent = wrong ? text(wrong[1]) : "";
  if (wrong) {
    wrong[0].setAttribute("aria-invalid", "true");
    wrong[0].focus();
    return;
  }
  const written = reason.value;
  const order = { reason: written.trim(), expected_epoch: Number(form.dataset.epoch), override };
  const press = form.querySelector("[type=submit]");
  press.disabled = true;
  tell(text("models.promoting"));
  const moved = await move(`/models/${form.dataset.promote}/promote`, order);
  press.disabled = false;
  if (moved) {
    await follow(moved.epoch);
    return;
  }
  const again = document.getElementById("promote-reason"); // of the form as it is now; what was written stays
  if (again) {
    again.value = written;
    again.focus();
  }
}

async function rollBack(press) {
  const body = text("models.roll_back_body", { models: press.dataset.models });
  const words = { title: text("models.roll_back_title"), body, confirm: text("models.roll_back_confirm") };
  const answer = await ask({ ...words, danger: true, reason: true, required: true });
  if (!answer) return;
  const order = { reason: answer.reason, expected_epoch: Number(press.dataset.rollBack) };
  const moved = await move("/models/rollback", order);
  if (moved) await follow(moved.epoch);
}

async function retrain() {
  const words = { title: text("models.retrain_title"), body: text("models.retrain_body"), confirm: text("models.retrain_confirm") };
  const answer = await ask({ ...words, reason: true, required: true });
  if (!answer) return;
  try {
    await call("POST", "/retrain", { json: { reason: answer.reason } });
    say(text("models.retrain_asked"), { kind: "good" });
    await refresh();
  } catch (problem) {
    tell(problemText(problem), "error");
  }
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-promote]")) return;
  event.preventDefault();
  promote(event.target);
});

document.addEventListener("click", (event) => {
  const press = event.target.closest("[data-roll-back], [data-retrain], [data-sort]");
  if (!press) return;
  if (press.dataset.rollBack !== undefined) rollBack(press);
  else if (press.dataset.retrain !== undefined) retrain();
  else sort(press);
});

// --- sorting --------------------------------------------------------------------------------------------------------

const ORDER = new Intl.Collator(document.documentElement.lang, { sensitivity: "base" });

/** Sort by a heading: texts from A on, numbers from the largest on; pressed again, the other way round. */
function sort(press) {
  const heading = press.closest("th");
  const isText = press.dataset.sort === "text";
  const first = isText ? "ascending" : "descending";
  const way = heading.getAttribute("aria-sort") === first ? (isText ? "descending" : "ascending") : first;
  for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", way);
  const body = heading.closest("table").tBodies[0];
  const column = heading.cellIndex;
  const value = (row) => row.cells[column].dataset.value;
  const compare = isText ? (a, b) => ORDER.compare(value(a), value(b)) : (a, b) => Number(value(a)) - Number(value(b));
  const sign = way === "ascending" ? 1 : -1;
  body.append(...[...body.rows].sort((a, b) => sign * compare(a, b)));
}
