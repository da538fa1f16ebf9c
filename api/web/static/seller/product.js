// One product: what its sender says of it, and how it is erased.
import { ask, call, problemText, say, text } from "../page.js";
import { attachAnswer } from "./answer.js";
import { newKey } from "./request_key.js";

const page = document.getElementById("product-page");
const key = newKey();

attachAnswer(document.getElementById("answer"));
document.getElementById("erase")?.addEventListener("click", erase);
// What could not be loaded says so where it would stand; after a sign-in it is loaded again.
const learnt = document.getElementById("learnt");
for (const failure of ["htmx:response:error", "htmx:error"]) {
  learnt.addEventListener(failure, () => {
    learnt.textContent = text("page.part_failed");
  });
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
    await call("DELETE", `/predictions/${page.querySelector("[data-product]").dataset.product}`, { key });
    location.assign("/products");
  } catch (problem) {
    say(problemText(problem), { kind: "bad" });
  }
}
