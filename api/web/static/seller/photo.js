// The photo of the form: chosen, taken, dropped or pasted, looked at before it is sent, and shown.
import { number, text } from "../page.js";

const MIB = 1024 * 1024;
const MEGA = 1e6;
const SIGNATURES = [
  { at: 0, bytes: [0xff, 0xd8, 0xff] },
  { at: 0, bytes: [0x89, 0x50, 0x4e, 0x47] },
  { at: 8, bytes: [0x57, 0x45, 0x42, 0x50] },
];

/**
 * Make the form's photo work; `onChange` is called whenever it is another one, or none, `onTaken` when somebody gave
 * one.
 *
 * Returns `{file, set, clear, refuse}`: `file()` is what is to be sent, or null; `set` takes a file and resolves to
 * whether it is one that can be sent; `refuse` shows why the service did not take it.
 */
export function attachPhoto(form, { onChange, onTaken }) {
  const part = (id) => form.querySelector(`#${id}`);
  const limits = { bytes: Number(form.dataset.maxBytes), pixels: Number(form.dataset.maxPixels) };
  const preview = part("photo-preview");
  let chosen = null;
  let turn = 0;

  function refuse(message) {
    part("photo-error").textContent = message;
    for (const id of ["photo", "camera"]) part(id).setAttribute("aria-invalid", String(Boolean(message)));
  }

  function show(file, address) {
    if (preview.src) URL.revokeObjectURL(preview.src);
    chosen = file;
    part("photo-shown").hidden = !file;
    if (file) {
      preview.src = address;
      const size = Math.ceil(file.size / 1024);
      part("photo-name").textContent = text("seller.photo_file", { name: file.name, size });
    } else {
      preview.removeAttribute("src");
    }
    onChange();
  }

  async function set(file) {
    const mine = ++turn;
    const address = URL.createObjectURL(file);
    const refusal = (await refusalOfBytes(file, limits)) ?? (await refusalOfPixels(address, limits));
    if (mine !== turn) return false; // another photo was chosen meanwhile
    refuse(refusal ?? "");
    if (refusal) {
      URL.revokeObjectURL(address);
      return false;
    }
    show(file, address);
    return true;
  }

  function clear() {
    turn += 1;
    refuse("");
    for (const id of ["photo", "camera"]) part(id).value = "";
    show(null);
  }

  async function take(files) {
    if (files.length && (await set(files[0]))) onTaken();
  }

  for (const id of ["photo", "camera"]) {
    part(id).addEventListener("change", async (event) => {
      await take([...event.target.files]);
      event.target.value = ""; // so that the same file may be chosen again
    });
  }
  part("photo-remove").addEventListener("click", () => {
    clear();
    part("photo").focus();
  });
  takeDropped(part("drop"), take);
  takePasted(take);
  return { file: () => chosen, set, clear, refuse };
}

/** A file that is dropped beside the field would replace the page. */
function takeDropped(field, take) {
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    field.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) field.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    field.classList.remove("over");
    take([...event.dataTransfer.files]);
  });
}

function takePasted(take) {
  document.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
    // A spreadsheet's cells are copied as text and as a picture of it: into a field goes the text.
    const isText = event.clipboardData.types.includes("text/plain") && event.target.matches?.("input, textarea");
    if (!files.length || isText || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    take(files);
  });
}

/** Why the service would refuse a file by its size or by how it begins; null where it would not. */
async function refusalOfBytes(file, limits) {
  if (file.size > limits.bytes) return text("seller.photo_too_heavy", { megabytes: megabytes(limits.bytes) });
  const start = new Uint8Array(await file.slice(0, 12).arrayBuffer());
  const known = SIGNATURES.some(({ at, bytes }) => bytes.every((byte, place) => start[at + place] === byte));
  return known ? null : text("seller.photo_wrong_type");
}

async function refusalOfPixels(address, limits) {
  const image = new Image();
  image.src = address;
  try {
    await image.decode();
  } catch {
    return text("seller.photo_damaged");
  }
  if (image.naturalWidth * image.naturalHeight <= limits.pixels) return null;
  return text("seller.photo_too_many_pixels", { megapixels: number(Math.floor(limits.pixels / MEGA)) });
}

function megabytes(bytes) {
  return number(Math.max(1, Math.floor(bytes / MIB)));
}
