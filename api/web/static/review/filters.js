// The filters and the page's address say the same, so a view can be shared and the back button works.

const form = document.querySelector("#filters form");

/** What the address asks for. */
export function asked() {
  const query = new URLSearchParams(location.search);
  query.delete("lang");
  query.delete("cursor");
  return query;
}

/** The same for the service's JSON routes, which know moments and shares instead of days and per cents. */
export function askedOfService(query) {
  const words = new URLSearchParams();
  for (const name of ["code", "modality", "language", "feedback"]) {
    if (query.has(name)) words.set(name, query.get(name));
  }
  if (query.has("least")) words.set("min_confidence", query.get("least") / 100);
  if (query.has("most")) words.set("max_confidence", query.get("most") / 100);
  if (query.has("days")) words.set("created_until", daysAgo(query.get("days")));
  return words;
}

function daysAgo(days) {
  return new Date(Date.now() - days * 24 * 3600 * 1000).toISOString();
}

/** Call `apply(query)` whenever somebody asks for something else, also by going back. */
export function onFilters(apply) {
  const push = () => {
    if (!form.reportValidity()) return;
    const query = readForm();
    if (String(query) === String(asked())) return;
    history.pushState(null, "", query.size ? `?${query}` : location.pathname);
    apply(query);
  };
  form.addEventListener("change", push);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    push();
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault(); // a reset would go back to what the page was opened with
    writeForm(new URLSearchParams());
    push();
  });
  addEventListener("popstate", () => {
    writeForm(asked());
    apply(asked());
  });
}

function readForm() {
  return new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
}

function writeForm(query) {
  for (const field of form.elements) {
    if (field.name) field.value = query.get(field.name) ?? "";
  }
}
