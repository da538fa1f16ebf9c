// What a sender says of an answer: it goes to the JSON routes, and the answer is shown again as it stands then.
import { attachCategoryBox } from "../combobox.js";
import { Problem, ask, call, loadFragment, problemText, say, text } from "../page.js";
import { newKey } from "./request_key.js";

/** Show the answer to a product in `place`, and give it the keyboard's attention. */
export async function showAnswer(place, productId, focused = "[data-answer-label]") {
  const fragment = await loadFragment(`/products/${productId}/answer`);
  place.replaceChildren(fragment);
  place.querySelector(focused)?.focus();
}

/** Make the buttons of every answer that will ever be shown in `place` work. */
export function attachAnswer(place) {
  let busy = false;

  async function once(work) {
    if (busy) return;
    busy = true;
    place.setAttribute("aria-busy", "true");
    try {
      await work();
    } catch (problem) {
      await tell(problem);
    } finally {
      busy = false;
      place.removeAttribute("aria-busy");
    }
  }

  async function tell(problem) {
    say(problemText(problem), { kind: "bad" });
    // Somebody decided meanwhile: what can be said now is another thing.
    if (problem instanceof Problem && [409, 412].includes(problem.status)) await again();
  }

  const product = () => place.querySelector("[data-product]").dataset;
  const again = () => showAnswer(place, product().product, "[data-said]");

  async function give(word) {
    const { product: id, version } = product();
    await call("POST", `/predictions/${id}/feedback`, { json: word, ifMatch: `"${version}"`, key: newKey() });
    await again();
    say(text(`seller.thanks_${word.kind}`), { kind: "good" });
  }

  const acts = {
    confirm: () => once(() => give({ kind: "confirmed" })),
    propose: () => propose(place),
    dispute: async () => {
      const said = await ask({
        title: text("seller.dispute_title"),
        body: text("seller.dispute_body"),
        confirm: text("seller.dispute"),
        reason: true,
        required: true,
      });
      if (said) await once(() => give({ kind: "disputed", reason: said.reason }));
    },
    withdraw: () =>
      once(async () => {
        await call("DELETE", `/predictions/${product().product}/feedback`, { key: newKey() });
        await again();
        say(text("seller.taken_back"));
      }),
  };

  place.addEventListener("click", (event) => acts[event.target.closest("[data-act]")?.dataset.act]?.());
  place.addEventListener("category:chosen", (event) =>
    once(() => give({ kind: "proposed", prdtypecode: event.detail.code })),
  );
  place.addEventListener("category:left", () => close(place));
}

function propose(place) {
  const box = place.querySelector("[data-proposal]");
  if (!box.hidden) return close(place);
  if (!box.dataset.works) {
    box.dataset.works = "yes";
    attachCategoryBox(box.querySelector("[data-category-box]"));
  }
  box.hidden = false;
  place.querySelector("[data-act=propose]").setAttribute("aria-expanded", "true");
  box.querySelector("input").focus();
}

function close(place) {
  place.querySelector("[data-proposal]").hidden = true;
  const button = place.querySelector("[data-act=propose]");
  button.setAttribute("aria-expanded", "false");
  button.focus();
}
