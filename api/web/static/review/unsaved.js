// The counter of what is not saved yet. A save that takes no time is not worth a word.
import { text } from "../page.js";
import { state } from "./state.js";

const QUIET_MS = 400;

const line = document.getElementById("unsaved");
const words = document.getElementById("unsaved-words");
const now = document.getElementById("save-now");
let timer = null;

/** `trouble` is null, or why saving waits. */
export function showUnsaved(trouble) {
  clearTimeout(timer);
  const n = state.unsaved.length;
  line.dataset.count = n;
  if (n === 0) {
    line.hidden = true;
    return;
  }
  words.textContent = text(trouble ? `review.unsaved_${trouble}` : "review.unsaved", { n });
  line.classList.toggle("trouble", trouble !== null);
  now.hidden = trouble === null;
  if (trouble || !line.hidden) line.hidden = false;
  else timer = setTimeout(() => (line.hidden = false), QUIET_MS);
}
