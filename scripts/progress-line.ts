import { dim } from './console';

const everyMs = 2000;

/**
 * Tells now and then how far something is, on standard error, so that what is printed at the end
 * can be read by programs. @param things what is counted, as `answers`
 */
export function progressLine(things: string): (done: number, of: number) => void {
  let toldAt = Date.now();
  return (done, of) => {
    const now = Date.now();
    if (now - toldAt < everyMs) return;
    toldAt = now;
    const percent = Math.floor((100 * done) / Math.max(1, of));
    console.error(dim(`    ${done} of ${of} ${things} (${percent} %)`));
  };
}
