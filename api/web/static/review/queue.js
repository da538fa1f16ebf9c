// Keeps the next products loaded, so that the stage never waits for the service.
import { call, loadFragment, problemText } from "../page.js";
import { heldIds, productOf, state } from "./state.js";

const AHEAD = 2;
const MOST_BESIDES = 5; // the service takes no more, and five unsaved decisions are enough to wait for
const LOOK_AGAIN_MS = 15_000;
const RETRY_MS = 3_000;

export class Queue {
  #on;
  #query;
  #loading = false;
  #isDry = false;
  #generation = 0;
  #later = null;

  /** `on.arrived()` when a product has come, `on.dry()` when there is none, `on.failed(words)`. */
  constructor(query, on) {
    this.#query = query;
    this.#on = on;
    addEventListener("pagehide", () => this.#release([state.shown, ...state.ahead]));
    addEventListener("online", () => this.thaw());
  }

  /** Bring the next product onto the stage; null where none is loaded. */
  next() {
    state.shown = state.ahead.shift() ?? null;
    return state.shown;
  }

  /** Show a product again; what was shown comes after it. */
  putBack(product) {
    state.ahead = state.ahead.filter((other) => other.id !== product.id);
    if (state.shown && state.shown.id !== product.id) state.ahead.unshift(state.shown);
    state.shown = product;
  }

  /** Forget a product that somebody else decided; true where it was on the stage. */
  drop(product) {
    state.ahead = state.ahead.filter((other) => other.id !== product.id);
    return state.shown?.id === product.id;
  }

  /** Ask for other products from now on. */
  restart(query) {
    this.#query = query;
    this.#generation += 1;
    this.#loading = false;
    this.#release([state.shown, ...state.ahead]);
    state.shown = null;
    state.ahead = [];
    this.thaw();
  }

  /** Something has changed that may have freed a product. */
  thaw() {
    clearTimeout(this.#later);
    this.#isDry = false;
    this.fill();
  }

  /** Whether asking now could bring a product. */
  get isWaiting() {
    return this.#loading || !this.#isDry;
  }

  async fill() {
    if (this.#loading) return;
    this.#loading = true;
    const generation = this.#generation;
    try {
      while (this.#wantsMore()) {
        const product = await this.#load();
        if (generation !== this.#generation) {
          this.#release([product]);
          return;
        }
        this.#receive(product);
      }
    } catch (problem) {
      if (generation === this.#generation) this.#fail(problem);
    } finally {
      if (generation === this.#generation) this.#loading = false;
    }
    if (generation === this.#generation && this.#isDry) this.#on.dry();
  }

  #wantsMore() {
    return !this.#isDry && state.ahead.length < AHEAD && heldIds().length <= MOST_BESIDES;
  }

  async #load() {
    const query = new URLSearchParams(this.#query);
    for (const id of heldIds()) query.append("besides", id);
    if (state.opinions) query.set("opinions", "true");
    const card = (await loadFragment(`/review/card?${query}`))?.querySelector(".product");
    return card ? productOf(card) : null;
  }

  #receive(product) {
    if (product === null) {
      this.#isDry = true;
      this.#lookAgain(LOOK_AGAIN_MS);
    } else if (!heldIds().includes(product.id)) {
      // Decoded before it is wanted: a photo that has come is not yet one that can be painted.
      product.card.querySelector("img")?.decode().catch(() => {});
      state.ahead.push(product);
      this.#on.arrived();
    }
  }

  #fail(problem) {
    this.#isDry = true;
    this.#lookAgain(RETRY_MS);
    if (!state.shown) this.#on.failed(problemText(problem));
  }

  #lookAgain(time) {
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.thaw(), time);
  }

  #release(products) {
    const ids = products.filter(Boolean).map((product) => product.id);
    // A courtesy to colleagues: a lease that is not given back ends by itself.
    for (let at = 0; at < ids.length; at += MOST_BESIDES) {
      const some = ids.slice(at, at + MOST_BESIDES);
      call("POST", "/review/release", { json: { ids: some }, keepalive: true }).catch(() => {});
    }
  }
}
