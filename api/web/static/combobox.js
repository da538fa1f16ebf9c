// The searchable list of categories: by code, by English or French label, by theme. Keys come from combobox-nav.
import Combobox from "./vendor/combobox-nav.js";
import { call, text } from "./page.js";

const FRENCH = document.documentElement.lang === "fr";
let categories = null;

/** Every category: `{code, label, theme, words}` in the page's language; asked for once a page. */
export function loadCategories() {
  categories ??= call("GET", "/classes").then(
    ({ body }) => body.classes.map(readCategory),
    (problem) => {
      categories = null;
      throw problem;
    },
  );
  return categories;
}

/**
 * Make an element of the macro `category_box` work.
 *
 * It fires `category:chosen` with `detail.code`, a number, and `detail.label`, and `category:left` on Escape.
 * Returns `{focus, clear}`.
 */
export function attachCategoryBox(element) {
  const input = element.querySelector("input");
  const list = element.querySelector("ul");
  const count = element.querySelector("[data-category-count]");
  const keyboard = new Combobox(input, list, { tabInsertsSuggestions: false, firstOptionSelectionMode: "active" });

  async function show() {
    const found = matching(await loadCategories(), input.value);
    list.replaceChildren(...found.map((category) => option(list.id, category)));
    count.textContent = text("page.categories_found", { n: found.length });
    if (list.hidden) {
      list.hidden = false;
      keyboard.start();
      input.removeEventListener("input", keyboard.inputHandler); // it would unmark the option that this marks
    } else {
      keyboard.resetSelection();
    }
  }

  function hide() {
    if (list.hidden) return;
    keyboard.stop();
    list.hidden = true;
  }

  input.addEventListener("focus", show);
  input.addEventListener("input", show);
  // A click on an option blurs the field first; whoever is back by then goes on searching.
  input.addEventListener("blur", () => setTimeout(() => document.activeElement === input || hide(), 150));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    input.value = "";
    hide();
    element.dispatchEvent(new CustomEvent("category:left", { bubbles: true }));
  });
  list.addEventListener("combobox-commit", (event) => {
    const { code, label } = event.target.dataset;
    input.value = label;
    hide();
    element.dispatchEvent(new CustomEvent("category:chosen", { bubbles: true, detail: { code: Number(code), label } }));
  });
  return {
    focus: () => input.focus(),
    clear: () => {
      input.value = "";
    },
  };
}

function readCategory(category) {
  const label = FRENCH ? category.label_fr : category.label;
  const theme = FRENCH ? category.theme_fr : category.theme;
  const words = [category.prdtypecode, category.label, category.label_fr, category.theme, category.theme_fr];
  return { code: category.prdtypecode, label, theme, words: fold(words.join(" ")) };
}

/** Those that hold every word of what was typed; those whose code or label begins with it come first. */
function matching(all, typed) {
  const wanted = fold(typed).trim();
  const parts = wanted.split(/\s+/);
  const found = all.filter((category) => parts.every((part) => category.words.includes(part)));
  const early = (category) => String(category.code).startsWith(wanted) || fold(category.label).startsWith(wanted);
  return found.sort((a, b) => early(b) - early(a));
}

function fold(words) {
  return words.normalize("NFD").replace(/\p{Diacritic}/gu, "").replaceAll("’", "'").toLowerCase();
}

function option(listId, category) {
  const element = document.createElement("li");
  element.setAttribute("role", "option");
  element.id = `${listId}-${category.code}`;
  element.dataset.code = category.code;
  element.dataset.label = category.label;
  const label = document.createElement("span");
  label.textContent = category.label;
  const where = document.createElement("span");
  where.className = "muted";
  where.textContent = [category.code, category.theme].filter(Boolean).join(" · ");
  element.append(label, " ", where);
  return element;
}
