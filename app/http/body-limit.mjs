/** Largest body of a request in bytes; the biggest honest one is a page of guidelines. */
export const bodyBytesMax = 256 * 1024;
