// Who decided what about a product, in words.
import { call, text } from "../page.js";
import { loadCategories } from "../combobox.js";

const REOPENED = ["undo", "reopen"];

/** Whether a product still waits for a label after this verdict. */
export function leavesOpen(verdict) {
  return verdict.action === "modify" || REOPENED.includes(verdict.action);
}

/** Who decided last, and what; null where that cannot be learnt. */
export async function lastVerdict(id) {
  try {
    return (await call("GET", `/predictions/${id}/history`)).body.items.at(-1) ?? null;
  } catch {
    return null;
  }
}

/** What somebody else's verdict was, in a sentence. */
export async function inWords(verdict) {
  const who = verdict.reviewer ?? text("review.somebody");
  const kind = { validate: "validate", correct: "validate", reject: "reject", modify: "modify" }[verdict.action];
  if (kind) return text(`review.other_${kind}`, { who, category: await labelOf(verdict.prdtypecode) });
  return REOPENED.includes(verdict.action) ? text("review.other_undo", { who }) : text("review.other_any");
}

/** A category's label in the page's language; its code where it has left the taxonomy. */
export async function labelOf(code) {
  const category = (await loadCategories().catch(() => [])).find((one) => one.code === code);
  return category?.label ?? String(code ?? "");
}
