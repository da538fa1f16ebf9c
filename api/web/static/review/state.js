// Everything that the desk knows, in one place. The other modules change it; nothing about products is kept elsewhere.

const desk = document.getElementById("desk");

/**
 * shown: the product on the stage, or null. ahead: products that come after it, loaded already.
 * unsaved: decisions that the service has not confirmed, in their order. done: decisions that can be undone.
 */
export const state = {
  opinions: desk.dataset.mode === "opinions",
  account: desk.dataset.account,
  isAdmin: desk.dataset.role === "admin",
  shown: null,
  ahead: [],
  unsaved: [],
  done: [],
};

/** What a card says of its product. `version` follows the answers to the decisions about it. */
export function productOf(card) {
  const { id, version, status, code, candidates, title } = card.dataset;
  return {
    id,
    status,
    title,
    version: Number(version),
    code: Number(code),
    candidates: candidates.split(" ").filter(Boolean).map(Number),
    card,
  };
}

/** The ids of all products that the page shows, has loaded, or has decided and not saved. */
export function heldIds() {
  const products = [state.shown, ...state.ahead, ...state.unsaved.map((decision) => decision.product)];
  return [...new Set(products.filter(Boolean).map((product) => product.id))];
}
