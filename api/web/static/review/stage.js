// What stands on the stage: a product, or why there is none.
import { state } from "./state.js";
import { showPanels } from "./panels.js";

const stage = document.getElementById("stage");
const actions = document.getElementById("actions");
const spoken = document.getElementById("spoken");
const instead = ["loading", "nothing", "failed"].map((id) => document.getElementById(id));

/** Put the shown product on the stage, or nothing; the focus follows it, unless somebody works elsewhere. */
export function paint() {
  const follows = focusIsOurs();
  stage.querySelector(":scope > .product")?.remove();
  if (!state.shown) {
    showInstead("loading");
    return;
  }
  for (const element of instead) element.hidden = true;
  stage.append(state.shown.card);
  stage.setAttribute("aria-busy", "false");
  if (follows) state.shown.card.querySelector("h2").focus({ preventScroll: true });
  if (stage.getBoundingClientRect().top < 0) stage.scrollIntoView({ block: "start" });
  showPanels(state.shown);
}

/** Say that there is no product, and why: `loading`, `nothing` or `failed`. */
export function showInstead(id, why = "") {
  if (state.shown) return;
  for (const element of instead) element.hidden = element.id !== id;
  if (why) document.getElementById(`${id}-why`).textContent = why;
  stage.setAttribute("aria-busy", String(id === "loading"));
  if (id !== "loading" && focusIsOurs()) document.getElementById(id).focus({ preventScroll: true });
  showPanels(null);
}

/** Have a word read out that is on the screen in another way. */
export function speak(words) {
  spoken.textContent = words;
}

function focusIsOurs() {
  const focused = document.activeElement;
  return !focused || focused === document.body || stage.contains(focused) || actions.contains(focused);
}
