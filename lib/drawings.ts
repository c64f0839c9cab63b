/**
 * @file How images are drawn, as a key: a rate belongs to a version and a key, and versions are
 * compared on images of one key.
 */
import { type Method, sourceOf } from './methods';
import type { RunConfig } from './settings/run-config';

/** A schedule with its numbers; a number that it does not name says nothing to it. */
type Annealing<Schedule = string> = { schedule: Schedule; exponent: number; threshold: number };

/**
 * A schedule with the number that matters to it, as NeMo writes it: `linear`, `power_4`,
 * `step_0.6`.
 */
export function annealingName({ schedule, exponent, threshold }: Annealing): string {
  if (schedule === 'power') return `power_${exponent}`;
  return schedule === 'step' ? `step_${threshold}` : schedule;
}

/**
 * How a policy is drawn where nothing is trained on its images; undefined where by itself at every
 * step.
 */
export function annealingOf(
  method: Method,
  { inference }: Pick<RunConfig, 'inference'>,
): Annealing<RunConfig['inference']['annealing']> | undefined {
  const { annealing: schedule, exponent, threshold } = inference;
  if (sourceOf(method) !== 'reward' || schedule === 'draft') return undefined;
  return { schedule, exponent, threshold };
}

/** Steps, eta, guidance scale, and annealing if there is any: "20 1 5", "20 1 5 linear". */
export function drawingKey({ sampling }: Pick<RunConfig, 'sampling'>, annealing?: Annealing) {
  const { inferenceSteps, eta, guidanceScale } = sampling;
  const plain = [inferenceSteps, eta, guidanceScale].join(' ');
  return annealing ? `${plain} ${annealingName(annealing)}` : plain;
}

/** What a base policy is drawn with under a key: the base is what annealing begins with. */
export function baseDrawing(drawing: string): string {
  return drawing.split(' ').slice(0, 3).join(' ');
}

/** A key in words: "20 steps, eta 1, guidance 5, annealed by power_4". */
export function drawingText(drawing: string): string {
  const [steps, eta, guidance, annealing] = drawing.split(' ');
  const plain = `${steps} ${steps === '1' ? 'step' : 'steps'}, eta ${eta}, guidance ${guidance}`;
  return annealing ? `${plain}, annealed by ${annealing}` : plain;
}
