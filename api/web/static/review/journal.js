// Decisions that are not saved yet outlive a reload and a crash of the tab. Titles and ids only; gone when saved.
import { state } from "./state.js";

const PLACE = `etalon.unsaved.${state.account}`;

export function keep(decisions) {
  const rows = decisions.map(({ verb, body, key, product: { id, version, title } }) => ({
    verb,
    body,
    key,
    product: { id, version, title },
  }));
  try {
    if (rows.length) sessionStorage.setItem(PLACE, JSON.stringify(rows));
    else sessionStorage.removeItem(PLACE);
  } catch {
    // Storage may be forbidden or full; the page itself still holds them, and asks before it is left.
  }
}

/** What an earlier life of this tab left unsaved. Each has its key, so what was saved after all is not done twice. */
export function leftOver() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
  } catch {
    return [];
  }
}
