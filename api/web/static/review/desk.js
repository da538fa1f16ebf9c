// The review desk. A key decides, the next product is there at once, and the decision is saved behind it.
import { call, loadFragment, say, text } from "../page.js";
import { connect } from "./controls.js";
import { askReason } from "./dialogs.js";
import { asked, onFilters } from "./filters.js";
import { notify } from "./notices.js";
import { Queue } from "./queue.js";
import { decisionOn, Saving } from "./saving.js";
import { paint, showInstead, speak } from "./stage.js";
import { count, followStanding, left } from "./standing.js";
import { productOf, state } from "./state.js";
import { showUnsaved } from "./unsaved.js";
import { labelOf } from "./verdicts.js";

const MOST_DONE = 200; // decisions that can be undone one after the other
const SOON_MS = 50;

const saving = new Saving({
  change: () => showUnsaved(saving.trouble),
  saved: onSaved,
  refused: onRefused,
});
const queue = new Queue(asked(), {
  arrived: () => state.shown || advance(),
  dry: () => state.unsaved.length || showNothing(),
  failed: (why) => showInstead("failed", why),
});
const refreshStanding = followStanding(asked);

// --- deciding -------------------------------------------------------------------------------------------------------

/** Decide about the product on the stage and show the next one. */
function decide(verb, body, words) {
  const product = state.shown;
  if (!product) return;
  settle(decisionOn(product, verb, body), words);
  advance();
}

function settle(decision, words) {
  if (!state.opinions) state.done.push(decision);
  if (state.done.length > MOST_DONE) state.done.shift();
  saving.add(decision);
  count(1, decision.verb !== "skip");
  Promise.resolve(words).then(speak);
}

function advance() {
  queue.next();
  paint();
  queue.fill();
  if (!state.shown && !queue.isWaiting && !state.unsaved.length) showNothing();
}

function showNothing() {
  showInstead("nothing", text(left() > 0 ? "review.others_hold" : "review.nothing_left_hint"));
}

function accept(code) {
  const product = state.shown;
  if (!product) return;
  if (state.opinions) return judge(product, code);
  const words = labelOf(code ?? product.code).then((category) => text("review.did_accept", { category }));
  decide("validate", code === undefined ? { accept: true } : { accept: true, prdtypecode: code }, words);
}

/** A label that looks wrong: keep it, or give another one in its place. */
function judge(product, code) {
  if (code === undefined || code === product.code) return decide("keep", {}, text("review.did_keep"));
  const words = labelOf(code).then((category) => text("review.did_correct", { category }));
  if (product.status === "validated") {
    // No batch has it yet, so anybody may take it back and give it the other code.
    saving.add(decisionOn(product, "undo"));
    return decide("validate", { accept: true, prdtypecode: code }, words);
  }
  if (!state.isAdmin) return say(text("review.only_admin"), { kind: "bad" });
  return decide("correct", { prdtypecode: code }, words);
}

function pick(rank) {
  const code = state.shown?.candidates[rank - 1];
  if (code !== undefined) accept(code);
}

async function reject() {
  const product = state.shown;
  if (!product || state.opinions) return;
  const reason = await askReason();
  if (reason === null || state.shown !== product) return;
  decide("validate", reason ? { accept: false, reason } : { accept: false }, text("review.did_reject"));
}

function undo() {
  if (state.opinions) return takeBack();
  const decision = state.done.pop();
  if (!decision) return say(text("review.nothing_to_undo"));
  count(-1, decision.verb !== "skip");
  // What was put aside waits for nobody, so showing it again undoes that.
  if (!saving.withdraw(decision) && decision.verb !== "skip") saving.add(decisionOn(decision.product, "undo"));
  showAgain(decision.product);
  speak(text("review.did_undo", { title: decision.product.title }));
}

function takeBack() {
  const product = state.shown;
  if (!product) return;
  if (product.status === "ingested" && !state.isAdmin) say(text("review.only_admin"), { kind: "bad" });
  else decide(product.status === "ingested" ? "retract" : "undo", {}, text("review.did_take_back"));
}

function showAgain(product) {
  queue.putBack(product);
  paint();
}

// --- what became of it ----------------------------------------------------------------------------------------------

function onSaved({ product, verb }) {
  // Nobody holds a product that was put back into the queue: hold it while it is looked at, if nobody was faster.
  if (verb === "undo" && state.shown === product) {
    call("POST", `/predictions/${product.id}/lease`).catch(() => {});
  }
  queue.thaw();
}

function onRefused(decision, problem, later) {
  const fallen = [decision, ...later];
  state.done = state.done.filter((other) => !fallen.includes(other));
  if (queue.drop(decision.product)) advance();
  // Somebody else has decided about what was only put aside: nothing is lost.
  if (decision.verb !== "skip") notify(decision, problem, lookAgain);
  refreshStanding();
  queue.thaw();
}

async function lookAgain({ id }) {
  try {
    const part = await loadFragment(`/review/card/${id}`);
    showAgain(productOf(part.querySelector(".product")));
  } catch {
    say(text("review.gone"), { kind: "bad" });
  }
}

// --- from one view to another ---------------------------------------------------------------------------------------

function showGrid() {
  // A save that is on its way takes no time; without this the browser would ask whether to leave.
  if (state.unsaved.length && !saving.trouble) return setTimeout(showGrid, SOON_MS);
  const query = asked();
  if (state.shown) query.set("code", state.shown.code);
  location.assign(`/review/grid?${query}`);
}

function restart(query) {
  queue.restart(query);
  paint();
  refreshStanding();
}

onFilters(restart);
addEventListener("pageshow", (event) => {
  // A page that the back button brings back as it was has given its products to others.
  if (event.persisted) restart(asked());
});
connect({
  accept,
  pick,
  reject,
  undo,
  skip: () => decide("skip", {}, text("review.did_skip")),
  grid: showGrid,
  saveNow: () => saving.wake(),
  tryAgain: () => queue.thaw(),
});
saving.resume();
queue.fill();
