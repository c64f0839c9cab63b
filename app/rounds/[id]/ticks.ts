/** A vertical axis: its ends are its first and last tick. */
export interface Ticks {
  at: number[];
  /** A tick in as many digits as tell it from the others. */
  text: (tick: number) => string;
}

/** Steps between ticks that people count in. */
const roundSteps = [1, 2, 2.5, 5, 10];

/** About four ticks around some numbers; where all are alike they get room to both sides. */
export function ticksOf(values: readonly number[]): Ticks {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const size = Math.max(Math.abs(least), Math.abs(most));
  const room = most - least > 1e-6 * size ? 0 : 0.1 * size || 1e-3;
  const rough = (most - least + 2 * room) / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * roundSteps.find((one) => one * power >= rough * (1 - 1e-9))!;
  const first = Math.floor((least - room) / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil((most + room) / step - 1e-9));
  const at = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { at, text: textOf(at, step) };
}

function textOf(at: readonly number[], step: number): (tick: number) => string {
  const size = Math.max(...at.map(Math.abs));
  // One digit more for 2.5.
  const digits = Math.ceil(-Math.log10(step) - 1e-9) + (/^2\.5/.test(step.toExponential()) ? 1 : 0);
  if (size >= 1e-3 && size < 1e6) return (tick) => (tick + 0).toFixed(Math.max(0, digits));
  const significant = Math.max(0, Math.ceil(Math.log10(size / step)));
  return (tick) => (Math.abs(tick) < step / 2 ? '0' : tick.toExponential(significant));
}
