// The keys and buttons of the desk, and the search for another category.
import { keys, once } from "../page.js";
import { attachCategoryBox } from "../combobox.js";
import { openHelp, openZoom } from "./dialogs.js";
import { consider, toggleEvidence } from "./panels.js";
import { state } from "./state.js";

const box = document.getElementById("search");
const search = attachCategoryBox(box.querySelector("[data-category-box]"));

/** Do `acts` when a key or a button asks for them: accept, pick, reject, undo, skip, grid, saveNow, tryAgain. */
export function connect(acts) {
  const zoom = () => openZoom(state.shown?.card);
  connectKeys(acts, zoom);
  const buttons = { ...acts, accept: () => acts.accept(), pick: ({ dataset }) => acts.pick(Number(dataset.rank)) };
  document.getElementById("desk").addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) ({ ...buttons, zoom, help: openHelp })[button.dataset.do](button);
  });
  document.getElementById("save-now").addEventListener("click", acts.saveNow);
  document.getElementById("try-again").addEventListener("click", acts.tryAgain);
  connectSearch(acts);
}

function connectKeys(acts, zoom) {
  keys({
    Enter: once(() => acts.accept()),
    1: once(() => acts.pick(1)),
    2: once(() => acts.pick(2)),
    3: once(() => acts.pick(3)),
    "/": once(search.focus),
    r: once(acts.reject),
    u: once(acts.undo),
    s: once(acts.skip),
    z: once(zoom),
    e: once(toggleEvidence),
    g: once(acts.grid),
    "?": once(openHelp),
  });
}

function connectSearch(acts) {
  box.addEventListener("category:chosen", (event) => {
    leaveSearch();
    acts.accept(event.detail.code);
  });
  box.addEventListener("category:left", leaveSearch);
  box.addEventListener("combobox-select", (event) => consider(Number(event.target.dataset.code)));
}

function leaveSearch() {
  search.clear();
  (state.shown?.card.querySelector("h2") ?? document.getElementById("nothing")).focus({ preventScroll: true });
  if (state.shown) consider(state.shown.code);
}
