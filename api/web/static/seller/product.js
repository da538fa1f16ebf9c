// One product: what its sender says of it, and how it is erased.
import { ask, call, loadFragment, problemText, say, text } from "../page.js";
import { attachAnswer } from "./answer.js";
import { newKey } from "./request_key.js";

const page = document.getElementById("product-page");
const key = newKey();

attachAnswer(document.getElementById("answer"));
document.getElementById("erase")?.addEventListener("click", erase);
showLearnt();

function productId() {
  return page.querySelector("[data-product]").dataset.product;
}

/** What models learnt from the product is asked for apart: it takes a look at every release. */
async function showLearnt() {
  const place = document.getElementById("learnt");
  try {
    place.replaceChildren(await loadFragment(`/products/${productId()}/learnt`));
  } catch {
    place.textContent = text("page.part_failed");
  }
}

async function erase() {
  const isStored = page.dataset.inStore === "yes";
  const sure = await ask({
    title: text("seller.erase_title"),
    body: text(isStored ? "seller.erase_body_stored" : "seller.erase_body"),
    confirm: text("seller.erase"),
    danger: true,
  });
  if (!sure) return;
  try {
    await call("DELETE", `/predictions/${productId()}`, { key });
    location.assign("/products");
  } catch (problem) {
    say(problemText(problem), { kind: "bad" });
  }
}
