// What every page's script stands on: requests that survive an expired session, texts, messages, questions, keys.

const LANGUAGE = document.documentElement.lang || "en";

// --- texts, numbers, times ------------------------------------------------------------------------------------------

const TEXTS = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");
const THIN = "\u202f";
const WHOLE = new Intl.NumberFormat(LANGUAGE);
const SHORT = new Intl.DateTimeFormat(LANGUAGE, { dateStyle: "medium", timeStyle: "short" });

/** The text under `file.entry`, its `{places}` filled; a table of `one` and `other` is chosen from by `n`. */
export function text(key, values = {}) {
  const [file, entry] = key.split(".");
  let found = TEXTS[file]?.[entry];
  if (found === undefined) throw new Error(`no such text: ${key}`);
  if (typeof found === "object") found = found[isOne(values.n) ? "one" : "other"];
  return found.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

export function number(value) {
  return WHOLE.format(value);
}

/** A share in [0, 1]. */
export function percent(share, digits = 0) {
  const value = new Intl.NumberFormat(LANGUAGE, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return value.format(share * 100) + (LANGUAGE === "fr" ? `${THIN}%` : "%");
}

export function moment(date) {
  return SHORT.format(new Date(date));
}

function isOne(n) {
  return LANGUAGE === "fr" ? Math.abs(n) < 2 : n === 1;
}

function shown(value) {
  return typeof value === "number" ? number(value) : String(value);
}

/** Times stand in UTC in what the server renders; whoever reads them sees their own zone's. */
function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = time.textContent;
    time.textContent = moment(at);
  }
}

// --- requests -------------------------------------------------------------------------------------------------------

/** A refusal by the service: an RFC 9457 document. `retryAfter` is in seconds, null where it did not say. */
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail ?? body.title ?? String(status));
    this.status = status;
    this.code = body.code ?? "";
    this.title = body.title ?? "";
    this.detail = body.detail ?? "";
    this.errors = body.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

/** The service could not be reached, so nobody knows whether it was done. */
export class Offline extends Error {}

/**
 * Ask one of the service's JSON routes.
 *
 * Whoever's session has ended is asked to sign in over the page, and the request is sent once more.
 * Resolves to `{status, body, etag}`; rejects with `Problem` or `Offline`.
 */
export async function call(method, path, { json, form, ifMatch, key, signal, keepalive } = {}) {
  const headers = { Accept: "application/json", "X-Etalon-Page": "1" };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (ifMatch !== undefined) headers["If-Match"] = ifMatch;
  if (key !== undefined) headers["Idempotency-Key"] = key;
  const body = json !== undefined ? JSON.stringify(json) : form;
  const response = await send(path, { method, headers, body, signal, keepalive });
  const answer = await readBody(response);
  if (!response.ok) throw problemOf(response, answer);
  return { status: response.status, body: answer, etag: response.headers.get("ETag") };
}

/** A part of a page, as nodes that are not in it yet; rejects as `call` does. Null where there is none (204). */
export async function loadFragment(path, { signal } = {}) {
  const response = await send(path, { headers: { Accept: "text/html", "HX-Request": "true" }, signal });
  if (!response.ok) throw problemOf(response, await readBody(response));
  if (response.status === 204) return null;
  const template = document.createElement("template");
  template.innerHTML = await response.text(); // the server escaped everything in it, and the policy runs no script
  localise(template.content);
  return template.content;
}

async function send(path, options) {
  let response = await reach(path, options);
  while (response.status === 401 && (await signInAgain())) {
    await response.arrayBuffer(); // an answer that nobody reads keeps its connection
    response = await reach(path, options);
  }
  return response;
}

async function reach(path, options) {
  try {
    return await fetch(path, { credentials: "same-origin", redirect: "follow", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Offline(path);
  }
}

async function readBody(response) {
  const kind = response.headers.get("Content-Type") ?? "";
  if (response.status === 204 || !kind.includes("json")) return null;
  return response.json();
}

function problemOf(response, body) {
  const wait = Number(response.headers.get("Retry-After"));
  return new Problem(response.status, body ?? {}, response.headers.has("Retry-After") ? wait : null);
}

/** What a refusal means, in the page's language where it is known there. */
export function problemText(problem) {
  if (problem instanceof Offline) return text("page.offline");
  if (!(problem instanceof Problem)) return text("page.failure_500");
  const known = TEXTS.problems?.[problem.code.replaceAll(".", "_")];
  return known ?? (problem.detail || text("page.failure_500"));
}

// --- the session ----------------------------------------------------------------------------------------------------

let signingIn = null;

/** Whether somebody signed in over the page; several requests that fail at once share one question. */
function signInAgain() {
  signingIn ??= openSignIn().finally(() => {
    signingIn = null;
  });
  return signingIn;
}

function openSignIn() {
  const dialog = document.getElementById("sign-in-again");
  if (!dialog) return Promise.resolve(false);
  const field = document.getElementById("again-password");
  const error = document.getElementById("again-error");
  const form = dialog.querySelector("form");
  return new Promise((resolve) => {
    const finish = (done) => {
      form.onsubmit = null;
      field.value = "";
      dialog.close();
      resolve(done);
    };
    form.onsubmit = async (event) => {
      event.preventDefault();
      error.textContent = "";
      try {
        await signIn(document.getElementById("again-username").value, field.value);
        finish(true);
      } catch (problem) {
        error.textContent = problemText(problem);
        field.select();
      }
    };
    document.getElementById("again-cancel").onclick = () => finish(false);
    dialog.oncancel = (event) => {
      event.preventDefault();
      finish(false);
    };
    error.textContent = "";
    dialog.showModal();
    field.focus();
  });
}

/** Begin a session; rejects as `call` does, and a wrong password is a `Problem` of status 401. */
export async function signIn(username, password) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-Etalon-Page": "1" };
  const response = await reach("/session", { method: "POST", headers, body: JSON.stringify({ username, password }) });
  const body = await readBody(response);
  if (!response.ok) throw problemOf(response, body);
  return body;
}

async function signOut() {
  try {
    await call("DELETE", "/session");
  } catch (problem) {
    if (!(problem instanceof Problem && problem.status === 401)) {
      say(problemText(problem), { kind: "bad" });
      return;
    }
  }
  location.assign("/sign-in");
}

// --- messages and questions -----------------------------------------------------------------------------------------

const SHOWN_MS = { info: 5000, good: 4000, bad: 12000 };

/** Show a message for a while, and have it read out. `action` is `{label, run}`: a button within it. */
export function say(message, { kind = "info", action } = {}) {
  const toast = document.createElement("div");
  toast.className = `toast ${kind}`;
  const words = document.createElement("span");
  words.textContent = message;
  toast.append(words);
  const remove = () => toast.remove();
  if (action) toast.append(button(action.label, () => (remove(), action.run())));
  const close = button("×", remove);
  close.setAttribute("aria-label", text("page.close"));
  toast.append(close);
  const toasts = document.getElementById("toasts");
  toasts.append(toast);
  while (toasts.children.length > 4) toasts.firstChild.remove();
  setTimeout(remove, SHOWN_MS[kind] * (action ? 2 : 1));
  return remove;
}

function button(label, run) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button quiet";
  element.textContent = label;
  element.addEventListener("click", run);
  return element;
}

/** Ask before something is done. Resolves to null, or to `{reason}`, which is empty where none was asked for. */
export function ask({ title, body = "", confirm, danger = false, reason = false, required = false }) {
  const dialog = document.getElementById("ask");
  const field = document.getElementById("ask-reason");
  const yes = document.getElementById("ask-confirm");
  document.getElementById("ask-title").textContent = title;
  document.getElementById("ask-body").textContent = body;
  document.getElementById("ask-reason-field").hidden = !reason;
  field.value = "";
  field.required = required;
  yes.textContent = confirm ?? text("page.confirm");
  yes.className = `button ${danger ? "danger" : "primary"}`;
  dialog.returnValue = "";
  dialog.showModal();
  (reason ? field : yes).focus();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "yes" ? { reason: field.value.trim() } : null);
  });
}

// --- keys -----------------------------------------------------------------------------------------------------------

/** Do `actions[key]` when a key is pressed outside fields and dialogs; returns what takes the keys away again. */
export function keys(actions) {
  const onKey = (event) => {
    const run = actions[event.key];
    if (!run || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]") || isTyping(event.target)) return;
    if (event.key === "Enter" && event.target.closest?.("a, button, summary")) return; // it presses what has the focus
    if (event.key === " " && event.target.closest?.("button, summary")) return;
    event.preventDefault();
    run(event);
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}

/** For `keys`: a key that is held down does it once. What decides something is given so; what moves need not be. */
export function once(run) {
  return (event) => event.repeat || run();
}

function isTyping(element) {
  return element.matches?.("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]");
}

// --- the frame of the page ------------------------------------------------------------------------------------------

function switchTheme() {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = root.dataset.theme ?? (dark ? "dark" : "light");
  root.dataset.theme = now === "dark" ? "light" : "dark";
  try {
    localStorage.setItem("theme", root.dataset.theme);
  } catch {
    // Storage may be forbidden; the choice then lasts as long as the page.
  }
  document.dispatchEvent(new CustomEvent("theme:changed"));
}

document.getElementById("theme")?.addEventListener("click", switchTheme);
document.getElementById("sign-out")?.addEventListener("click", signOut);
document.querySelector(".places [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
localise(document);
document.addEventListener("htmx:after:swap", () => localise(document));
// A part that the library could not load: the session may have ended, else the message says why.
document.addEventListener("htmx:response:error", async (event) => {
  const { ctx } = event.detail;
  if (ctx.response.status === 401) {
    if (await signInAgain()) htmx.trigger(ctx.sourceElement, ctx.sourceEvent?.type ?? "load");
  } else {
    say(text("page.part_failed"), { kind: "bad" });
  }
});
document.addEventListener("htmx:error", () => say(text("page.offline"), { kind: "bad" }));
