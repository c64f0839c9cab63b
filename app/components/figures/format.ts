import type { Interval } from '@/lib/statistics/proportion';

/** One manner of writing numbers for everybody, so that server and browser write the same. */
const whole = new Intl.NumberFormat('en');

/** A count with its thousands apart: "1,000". */
export function countText(n: number): string {
  return whole.format(n);
}

/** A share in [0, 1] as "28.4 %". */
export function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** The ends of an interval as "25.7–31.3 %". */
export function rangeText({ low, high }: Interval): string {
  return `${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)} %`;
}

/** A measured number in about four characters that matter: 0.6931, 1.2e-5, 1210. */
export function shortNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(1);
  return size >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

/** A score in few characters: −0.15, 0.0088, 21. */
export function scoreText(value: number): string {
  return String(Number(value.toPrecision(2))).replace('-', '−');
}

/** "1 pair", "2 pairs"; pass the plural where an s does not make it. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${countText(n)} ${n === 1 ? one : many}`;
}
