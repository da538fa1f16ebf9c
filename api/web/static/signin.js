// Signing in, opening an account, and opening one again that its owner had closed.

import { call, problemText, signIn, text } from "./page.js";

/** Where somebody wanted to go: an address of this service, whatever the link that brought them here says. */
function destination() {
  const wanted = new URLSearchParams(location.search).get("next") ?? "";
  // Browsers read a backslash as a slash, and two slashes at the beginning as another host.
  if (!/^\/(?![/\\])/.test(wanted)) return "/";
  const there = new URL(wanted, location.origin);
  return there.origin === location.origin ? there.href : "/";
}

/** Show what is wrong at the field it is about, and lead there. */
function show(field, message) {
  const place = document.getElementById(field.id === "password" ? "sign-in-error" : `${field.id}-error`);
  place.textContent = message;
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

function clear(form) {
  for (const place of form.querySelectorAll(".error")) place.textContent = "";
  for (const field of form.elements) field.removeAttribute("aria-invalid");
}

/** Run `work` when a form is sent; nothing can be sent twice meanwhile. */
function onSubmit(form, work) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clear(form);
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    try {
      await work(form.elements.username.value.trim(), form.elements.password.value);
    } finally {
      button.disabled = false;
    }
  });
}

async function enter(username, password) {
  await signIn(username, password);
  location.replace(destination());
}

// --- signing in -----------------------------------------------------------------------------------------------------

const form = document.getElementById("sign-in");
const closed = document.getElementById("reopen");

onSubmit(form, async (username, password) => {
  try {
    await enter(username, password);
  } catch (problem) {
    show(form.elements.password, problemText(problem));
    form.elements.password.select();
    closed.hidden = problem.status !== 401;
  }
});

closed.querySelector("button").addEventListener("click", async () => {
  clear(form);
  const [username, password] = [form.elements.username.value.trim(), form.elements.password.value];
  try {
    await call("POST", "/users/reactivate", { json: { username, password } });
    await enter(username, password);
  } catch (problem) {
    show(form.elements.password, problemText(problem));
  }
});

// --- opening an account ---------------------------------------------------------------------------------------------

const registration = document.getElementById("register");
const ABOUT_THE_NAME = new Set(["account.name_taken", "account.bad_username"]);

/** Which field a refusal is about, and what it says. */
function blame(problem) {
  const { username, password } = registration.elements;
  if (ABOUT_THE_NAME.has(problem.code)) return [username, problemText(problem)];
  const where = problem.errors?.[0]?.loc.at(-1);
  if (where === "username") return [username, text("problems.account_bad_username")];
  if (where === "password") return [password, text("signin.password_hint")];
  return [password, problemText(problem)];
}

onSubmit(registration, async (username, password) => {
  try {
    await call("POST", "/users", { json: { username, password } });
    await enter(username, password);
  } catch (problem) {
    show(...blame(problem));
  }
});
