// Accounts: searching, adding, changing, closing and deleting them.

import { ask, call, keys, loadFragment, problemText, say, text } from "./page.js";

const list = document.getElementById("accounts");

// --- the list -------------------------------------------------------------------------------------------------------

let loading = null;

/** Show the accounts at an address of this page; an answer that comes after a later question is not shown. */
async function show(address) {
  loading?.abort();
  const mine = (loading = new AbortController());
  list.setAttribute("aria-busy", "true");
  try {
    const part = await loadFragment(address, { signal: mine.signal });
    list.replaceChildren(part);
    history.replaceState(null, "", address);
  } catch (problem) {
    if (problem.name !== "AbortError") say(problemText(problem), { kind: "bad" });
  } finally {
    if (loading === mine) list.removeAttribute("aria-busy");
  }
}

/** Show the list anew and go back to the account that was worked on, or to the search where it is gone. */
async function refresh(id, what) {
  await show(location.pathname + location.search);
  const row = list.querySelector(`tr[data-id="${CSS.escape(id)}"]`);
  const target = row?.querySelector(`[data-do="${what}"]`) ?? row?.querySelector("button");
  (target ?? document.getElementById("text")).focus();
}

// --- searching ------------------------------------------------------------------------------------------------------

const search = document.getElementById("search");
let pause = 0;

function searched() {
  const asked = new URLSearchParams([...new FormData(search)].filter(([, value]) => value.trim()));
  return asked.size ? `/users?${asked}` : "/users";
}

search.addEventListener("input", () => {
  clearTimeout(pause);
  pause = setTimeout(() => show(searched()), 200);
});
search.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(pause);
  show(searched());
});

// --- adding and changing --------------------------------------------------------------------------------------------

const dialog = document.getElementById("form");
const form = dialog.querySelector("form");
const { username, role, password } = form.elements;
const FIELDS = { username, role, password };
const BLAMED = {
  "account.name_taken": username,
  "account.bad_username": username,
  "account.weak_password": password,
  "account.own_password": password,
  "account.own_role": role,
  "account.last_admin": role,
};

/** Open the form for an account, or for a new one where there is none. `save` sends it; resolves to whose it is. */
function openForm(account, save) {
  document.getElementById("form-title").textContent = account
    ? text("users.whom_edit", { name: account.username })
    : text("users.add");
  document.getElementById("form-password-label").textContent = text(account ? "users.new_password" : "page.password");
  for (const hint of form.querySelectorAll("[data-signs-out]")) hint.hidden = !account; // nobody is signed in to a new one
  username.value = account?.username ?? "";
  role.value = account?.role ?? "customer";
  password.value = "";
  password.required = !account;
  // Nobody changes their own role, and their own password where the old one is asked for.
  document.getElementById("form-role-field").hidden = Boolean(account?.own);
  document.getElementById("form-password-field").hidden = Boolean(account?.own);
  clear();
  form.onsubmit = (event) => {
    event.preventDefault();
    send(save);
  };
  dialog.showModal();
  username.focus();
}

async function send(save) {
  clear();
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const id = await save({ username: username.value.trim(), role: role.value, password: password.value });
    dialog.close(); // before anything behind it can be focused
    await refresh(id, "edit");
  } catch (problem) {
    blame(problem);
  } finally {
    button.disabled = false;
  }
}

function clear() {
  for (const place of form.querySelectorAll(".error")) place.textContent = "";
  for (const field of Object.values(FIELDS)) field.removeAttribute("aria-invalid");
}

/** Say what is wrong at the field it is about. */
function blame(problem) {
  const where = problem.errors?.[0]?.loc.at(-1);
  const field = BLAMED[problem.code] ?? FIELDS[where];
  const place = document.getElementById(field ? `form-${field.name}-error` : "form-error");
  place.textContent = where in FIELDS ? text(`users.bad_${where}`) : problemText(problem);
  field?.setAttribute("aria-invalid", "true");
  field?.focus();
}

document.getElementById("form-cancel").addEventListener("click", () => dialog.close());

function add() {
  openForm(null, async (wanted) => {
    const { body } = await call("POST", "/admin/users", { json: wanted });
    say(text("users.done_add", { name: body.username }), { kind: "good" });
    return body.id;
  });
}

function edit(account) {
  openForm(account, async (wanted) => {
    const change = {};
    if (wanted.username.toLowerCase() !== account.username) change.username = wanted.username;
    if (wanted.role !== account.role) change.role = wanted.role;
    if (wanted.password) change.password = wanted.password;
    if (Object.keys(change).length) {
      const { body } = await call("PATCH", `/admin/users/${account.id}`, { json: change });
      say(text("users.done_edit", { name: body.username }), { kind: "good" });
    }
    return account.id;
  });
}

// --- closing, opening, deleting -------------------------------------------------------------------------------------

async function setActive(account, active) {
  if (!active && !(await sure(account, "deactivate"))) return;
  const work = () => call("PATCH", `/admin/users/${account.id}`, { json: { active } });
  await attempt(account, active ? "activate" : "deactivate", work);
}

async function remove(account) {
  if (!(await sure(account, "delete"))) return;
  await attempt(account, "delete", () => call("DELETE", `/admin/users/${account.id}`));
}

function sure(account, what) {
  const name = account.username;
  return ask({
    title: text(`users.title_${what}`, { name }),
    body: text(`users.body_${what}`, { name }),
    confirm: text(`users.do_${what}`),
    danger: true,
  });
}

const NEXT = { activate: "deactivate", deactivate: "activate", delete: "edit" };

async function attempt(account, what, work) {
  try {
    await work();
  } catch (problem) {
    say(problemText(problem), { kind: "bad" });
    return refresh(account.id, what);
  }
  if (account.own) return location.assign("/sign-in");
  say(text(`users.done_${what}`, { name: account.username }), { kind: "good" });
  return refresh(account.id, NEXT[what]);
}

const ACTIONS = {
  edit,
  activate: (account) => setActive(account, true),
  deactivate: (account) => setActive(account, false),
  delete: remove,
};

list.addEventListener("click", (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  const { id, username: name, role: held, own } = button.closest("tr").dataset;
  ACTIONS[button.dataset.do]({ id, username: name, role: held, own: own !== undefined });
});

document.getElementById("add").addEventListener("click", add);
keys({ n: add, "/": () => document.getElementById("text").focus() });
