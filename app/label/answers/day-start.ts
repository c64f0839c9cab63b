/** When today began on this device, in ms, as a query parameter. */
export function dayStart(): string {
  return String(new Date().setHours(0, 0, 0, 0));
}
