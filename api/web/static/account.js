// One's own account: name, password, keys, sessions, its end.

import { ask, call, loadFragment, problemText, say, signIn, text } from "./page.js";

const again = document.getElementById("again-username"); // whom the page signs in again

/** Run `work` when a form is sent; a refusal is shown at the field that `blame` names. */
function onSubmit(id, blame, work) {
  const form = document.getElementById(id);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clear(form);
    const button = form.querySelector("[type=submit]");
    button.disabled = true;
    try {
      await work(form.elements);
    } catch (problem) {
      show(form.elements[blame(problem)], problem);
    } finally {
      button.disabled = false;
    }
  });
}

function clear(form) {
  for (const place of form.querySelectorAll(".error")) place.textContent = "";
  for (const field of form.elements) field.removeAttribute("aria-invalid");
}

function show(field, problem) {
  const rule = problem.code === "request.invalid" ? `own.bad_${field.name}` : null;
  document.getElementById(`${field.id}-error`).textContent = rule ? text(rule) : problemText(problem);
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

// --- name and password ----------------------------------------------------------------------------------------------

onSubmit("name", () => "username", async ({ username }) => {
  const { body } = await call("PATCH", "/users/me", { json: { username: username.value.trim() } });
  for (const place of document.querySelectorAll("input[autocomplete=username]")) place.value = body.username;
  document.getElementById("who").textContent = body.username;
  say(text("own.renamed", { name: body.username }), { kind: "good" });
});

const ABOUT_THE_NEW = new Set(["account.weak_password", "request.invalid"]);

onSubmit("password", (problem) => (ABOUT_THE_NEW.has(problem.code) ? "new" : "old"), async (fields) => {
  const [old_password, new_password] = [fields.old.value, fields.new.value];
  await call("POST", "/users/me/password", { json: { old_password, new_password } });
  await signIn(again.value, new_password); // the old session has ended with the old password
  fields.old.value = fields.new.value = "";
  say(text("own.password_changed"), { kind: "good" });
});

// --- keys -----------------------------------------------------------------------------------------------------------

const keys = document.getElementById("keys");

async function refreshKeys() {
  keys.replaceChildren(await loadFragment("/account/keys"));
}

onSubmit("make-key", () => "name", async ({ name }) => {
  const { body } = await call("POST", "/users/me/keys", { json: { name: name.value.trim() } });
  name.value = "";
  const secret = document.getElementById("secret");
  secret.value = body.key;
  document.getElementById("new-key").hidden = false;
  secret.select();
  await refreshKeys();
});

document.getElementById("copy").addEventListener("click", async () => {
  const secret = document.getElementById("secret");
  secret.select();
  try {
    await navigator.clipboard.writeText(secret.value);
    say(text("own.copied"), { kind: "good" });
  } catch {
    say(text("own.not_copied")); // over http there is no clipboard; the key is selected
  }
});

keys.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-key]");
  if (!button) return;
  const { key, name } = button.dataset;
  const [title, body] = [text("own.title_revoke", { name }), text("own.body_revoke")];
  if (!(await ask({ title, body, confirm: text("own.revoke"), danger: true }))) return;
  try {
    await call("DELETE", `/users/me/keys/${key}`);
    say(text("own.revoked", { name }), { kind: "good" });
  } catch (problem) {
    say(problemText(problem), { kind: "bad" });
  }
  await refreshKeys();
  document.getElementById("key-name").focus();
});

// --- its end --------------------------------------------------------------------------------------------------------

const REQUESTS = {
  sign_out: ["DELETE", "/users/me/sessions"],
  deactivate: ["POST", "/users/me/deactivate"],
  delete: ["DELETE", "/users/me"],
};

for (const button of document.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => end(button.dataset.do));
}

async function end(what) {
  const [title, body] = [text(`own.title_${what}`), text(`own.body_${what}`)];
  if (!(await ask({ title, body, confirm: text(`own.do_${what}`), danger: what !== "sign_out" }))) return;
  try {
    await call(...REQUESTS[what]);
    location.assign("/sign-in");
  } catch (problem) {
    say(problemText(problem), { kind: "bad" });
  }
}
