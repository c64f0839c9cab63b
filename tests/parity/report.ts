/**
 * @file How parity is measured and printed: the worst error of a case, relative to the reference's
 * largest magnitude.
 */

import { numbersOf } from '@/trainer/graph/numbers';
import { formatDims, sameDims, type Tensor } from '@/trainer/graph/tensor';

/** Tolerances of the parity command. */
export const tolerance = { value: 1e-4, adapterGradient: 1e-3 };

export interface CaseResult {
  name: string;
  /** Worst error forward, relative; undefined where the case has none. */
  forward?: number;
  /** Worst error of a gradient, relative. */
  gradient?: number;
  gradientLimit?: number;
  /** Why the case could not be compared. */
  error?: string;
}

/** Largest |a − b| over largest |b|. Infinite when anything is not finite. */
export function relativeError(actual: Tensor, reference: Tensor): number {
  if (!sameDims(actual.dims, reference.dims)) {
    throw new RangeError(
      `shape ${formatDims(actual.dims)} where the reference has ${formatDims(reference.dims)}`,
    );
  }
  const a = numbersOf(actual);
  const b = numbersOf(reference);
  let worst = 0;
  let magnitude = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    if (!Number.isFinite(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
    magnitude = Math.max(magnitude, Math.abs(b[i]!));
  }
  return magnitude === 0 ? worst : worst / magnitude;
}

/** ‖a − b‖ over ‖b‖, all tensors taken as one vector. */
export function relativeL2(actual: readonly Tensor[], reference: readonly Tensor[]): number {
  let difference = 0;
  let norm = 0;
  reference.forEach((tensor, t) => {
    const a = numbersOf(actual[t]!);
    numbersOf(tensor).forEach((b, i) => {
      difference += (a[i]! - b) ** 2;
      norm += b ** 2;
    });
  });
  if (!Number.isFinite(difference)) return Number.POSITIVE_INFINITY;
  return norm === 0 ? Math.sqrt(difference) : Math.sqrt(difference / norm);
}

/** Something to be compared; what `run` throws is the case's error. */
export interface ParityCase {
  name: string;
  run(): Promise<Omit<CaseResult, 'name' | 'error'>>;
}

/** Runs the cases in order. @param only names to keep; all without */
export async function* runCases(
  cases: readonly ParityCase[],
  only?: ReadonlySet<string>,
): AsyncGenerator<CaseResult> {
  for (const { name, run } of cases) {
    if (only && !only.has(name.replace(/^ops\//, ''))) continue;
    try {
      yield { name, ...(await run()) };
    } catch (cause) {
      yield { name, error: (cause as Error).message };
    }
  }
}

export function passed(result: CaseResult): boolean {
  return (
    result.error === undefined &&
    (result.forward ?? 0) <= tolerance.value &&
    (result.gradient ?? 0) <= (result.gradientLimit ?? tolerance.value)
  );
}

const column = (error: number | undefined) =>
  (error === undefined ? '-' : error.toExponential(1)).padStart(9);

/** One line per case, failures marked. */
export function formatCase(result: CaseResult): string {
  const mark = passed(result) ? 'ok  ' : 'FAIL';
  const tail = result.error ? `  ${result.error}` : '';
  return `${mark} ${result.name.padEnd(32)} forward ${column(result.forward)}  gradient ${column(result.gradient)}${tail}`;
}

/** The closing line. */
export function formatSummary(results: readonly CaseResult[], device: string): string {
  const good = results.filter(passed).length;
  const worst = (pick: (r: CaseResult) => number | undefined) =>
    Math.max(0, ...results.map((r) => pick(r) ?? 0)).toExponential(1);
  return `${good} of ${results.length} cases within tolerance on ${device}; worst forward ${worst((r) => r.forward)}, worst gradient ${worst((r) => r.gradient)}`;
}
