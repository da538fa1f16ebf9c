/** A name for a request, so that sending it again does nothing twice. */
export function newKey() {
  // crypto.randomUUID exists only where the page came by https or from this machine.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
