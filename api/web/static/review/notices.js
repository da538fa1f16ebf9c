// What was not saved, and why: it stays until somebody has read it.
import { problemText, text } from "../page.js";
import { inWords, lastVerdict, leavesOpen } from "./verdicts.js";

const section = document.getElementById("notices");
const list = section.querySelector("ul");
const pattern = section.querySelector("template");
const CONFLICTS = [409, 412];

/** Say why a decision was refused. `look` shows its product again, where that makes sense. */
export async function notify(decision, problem, look) {
  const { words, isOpen } = await explain(decision, problem);
  const item = pattern.content.cloneNode(true).querySelector("li");
  item.querySelector("[data-title]").textContent = decision.product.title;
  item.querySelector("[data-words]").textContent = words;
  const again = item.querySelector("[data-look]");
  again.hidden = !isOpen;
  again.addEventListener("click", () => {
    remove(item);
    look(decision.product);
  });
  item.querySelector("[data-dismiss]").addEventListener("click", () => remove(item));
  list.append(item);
  section.hidden = false;
}

function remove(item) {
  item.remove();
  section.hidden = list.children.length === 0;
}

async function explain(decision, problem) {
  if (problem.code === "review.already_claimed") return { words: text("review.too_late"), isOpen: false };
  if (problem.status === 404) return { words: text("review.gone"), isOpen: false };
  if (!CONFLICTS.includes(problem.status)) {
    return { words: text("review.refused", { why: problemText(problem) }), isOpen: true };
  }
  const last = await lastVerdict(decision.product.id);
  if (last === null) return { words: text("review.other_any"), isOpen: true };
  return { words: await inWords(last), isOpen: leavesOpen(last) };
}
