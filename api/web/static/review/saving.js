// Saves decisions one after the other, in their order, until the service has answered each of them.
import { call, Offline, Problem } from "../page.js";
import * as journal from "./journal.js";
import { newKey } from "./names.js";
import { state } from "./state.js";

const FIRST_WAIT_S = 1;
const LONGEST_WAIT_S = 30;

/** A decision: `verb` and `body` of the request, and a key by which a repetition is known for one. */
export function decisionOn(product, verb, body = {}) {
  return { product, verb, body, key: newKey(), tried: false };
}

/** `trouble` is null, or why saving waits: `offline`, `busy` or `signed_out`. */
export class Saving {
  trouble = null;
  #running = false;
  #wake = null;
  #on;

  /** `on.change()`, `on.saved(decision)`, `on.refused(decision, problem, dropped)`. */
  constructor(on) {
    this.#on = on;
    addEventListener("online", () => this.wake());
    addEventListener("beforeunload", (event) => {
      if (state.unsaved.length) event.preventDefault();
    });
  }

  /** Take up what an earlier life of the tab left. */
  resume() {
    for (const row of journal.leftOver()) state.unsaved.push({ ...row, tried: true });
    this.#changed();
    this.#run();
  }

  add(decision) {
    state.unsaved.push(decision);
    this.#changed();
    this.wake();
    this.#run();
  }

  /** Take a decision back that was never sent; false where it may have been. */
  withdraw(decision) {
    if (decision.tried || !state.unsaved.includes(decision)) return false;
    state.unsaved = state.unsaved.filter((other) => other !== decision);
    this.#changed();
    return true;
  }

  /** Try again now instead of later. */
  wake() {
    this.#wake?.();
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    for (let wait = FIRST_WAIT_S; state.unsaved.length; ) {
      const decision = state.unsaved[0];
      decision.tried = true;
      try {
        await send(decision);
      } catch (problem) {
        const trouble = troubleOf(problem);
        if (trouble === null) {
          this.#refuse(decision, problem);
        } else {
          await this.#pause(trouble, problem.retryAfter ?? wait);
          wait = Math.min(wait * 2, LONGEST_WAIT_S);
        }
        continue;
      }
      wait = FIRST_WAIT_S;
      this.#finish(decision, () => this.#on.saved(decision));
    }
    this.#running = false;
  }

  #refuse(decision, problem) {
    // What was decided about the same product afterwards stood on this decision, so it falls with it.
    const later = state.unsaved.filter((other) => other !== decision && other.product === decision.product);
    state.unsaved = state.unsaved.filter((other) => !later.includes(other));
    this.#finish(decision, () => this.#on.refused(decision, problem, later));
  }

  #finish(decision, tell) {
    state.unsaved = state.unsaved.filter((other) => other !== decision);
    this.trouble = null;
    this.#changed();
    tell();
  }

  async #pause(trouble, seconds) {
    this.trouble = trouble;
    this.#on.change();
    // Whoever refused to sign in is asked again when they decide something or press the button, not before.
    const time = trouble === "signed_out" ? null : seconds * 1000;
    await new Promise((resolve) => {
      this.#wake = resolve;
      if (time !== null) setTimeout(resolve, time);
    });
    this.#wake = null;
  }

  #changed() {
    journal.keep(state.unsaved);
    this.#on.change();
  }
}

async function send({ product, verb, body, key }) {
  // The version is read now: the decisions before this one have moved it.
  const ifMatch = `"${product.version}"`;
  const { body: answer } = await call("POST", `/predictions/${product.id}/${verb}`, {
    json: verb === "keep" || verb === "skip" ? undefined : body,
    ifMatch,
    key,
    keepalive: true,
  });
  if (answer) Object.assign(product, { version: answer.version, status: answer.status });
}

/** Why a decision has to wait; null where the service said no, and asking again would change nothing. */
function troubleOf(problem) {
  if (problem instanceof Offline) return "offline";
  if (!(problem instanceof Problem)) return "busy"; // an answer that cannot be read: a proxy's, perhaps
  if (problem.status === 401) return "signed_out";
  return problem.status >= 500 || problem.status === 429 || problem.status === 408 ? "busy" : null;
}
