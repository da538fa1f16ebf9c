// The list of one's own products: the library loads it, and this keeps the keyboard's place in it.
import "../page.js";

const list = document.getElementById("products");
let firstNew = 0;

// "Show more" is replaced by what it shows: go on at the first of them.
list.addEventListener("click", (event) => {
  if (event.target.closest(".more button")) firstNew = list.querySelectorAll(".product").length;
});
document.addEventListener("htmx:after:swap", () => {
  if (!firstNew) return;
  list.querySelectorAll(".product-title")[firstNew]?.focus();
  firstNew = 0;
});
