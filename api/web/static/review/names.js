// Names of requests: a request that is sent twice under one name is done once.

export function newKey() {
  // On an address without https browsers have no crypto.randomUUID.
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(16).padStart(8, "0")).join("-");
}
