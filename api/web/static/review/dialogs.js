// What opens over the desk: the photo in full, the reasons of a rejection, the list of keys.

const zoom = document.getElementById("zoom");
const reject = document.getElementById("reject");
const own = document.getElementById("reject-own");
const help = document.getElementById("help");

/** Show a card's photo as large as the window, or, pressed, as large as it is. */
export function openZoom(card) {
  const photo = card?.querySelector("img.photo");
  if (!photo) return;
  const large = zoom.querySelector("img");
  large.src = photo.src;
  large.alt = photo.alt;
  zoom.classList.remove("full");
  zoom.showModal();
}

zoom?.querySelector("img").addEventListener("click", () => zoom.classList.toggle("full"));
closeBy(zoom, "z");
closeBy(help, "?");

function closeBy(dialog, key) {
  dialog?.addEventListener("keydown", (event) => {
    if (event.key !== key || event.repeat) return;
    event.preventDefault();
    event.stopPropagation(); // the page's own key would open it again
    dialog.close();
  });
}

export function openHelp() {
  help.showModal();
}

/** Ask why a product is rejected. Resolves to the reason, "" for none, or null where nothing is to be rejected. */
export function askReason() {
  own.value = "";
  reject.showModal();
  return new Promise((resolve) => {
    let answer = null;
    const finish = (reason) => {
      answer = reason;
      reject.close();
    };
    const buttons = [...reject.querySelectorAll("[data-reason]")];
    for (const button of buttons) button.onclick = () => finish(button.querySelector("span").textContent);
    reject.onkeydown = (event) => {
      const chosen = buttons[Number(event.key) - 1];
      if (!chosen || event.target === own || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      chosen.click();
    };
    document.getElementById("reject-cancel").onclick = () => reject.close();
    document.getElementById("reject-form").onsubmit = (event) => {
      event.preventDefault();
      finish(own.value.trim());
    };
    reject.onclose = () => resolve(answer);
  });
}
