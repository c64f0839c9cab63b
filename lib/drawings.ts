/**
 * @file How images are drawn, as a key: a rate belongs to a version and a key, and versions are
 * compared on images of one key.
 */

import { type Method, sourceOf } from './methods';
import { sizeAsked } from './settings/image-sizes';
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

/** A size within a key: "512x768". */
const sizeForm = /^\d+x\d+$/;

/** The size that a run's images have, if it is not the pipeline's own: "512x768". */
export function sizeName({ sampling }: Pick<RunConfig, 'sampling'>): string | null {
  const size = sizeAsked(sampling);
  return size && `${size.width}x${size.height}`;
}

/**
 * Steps, eta, guidance scale, the size where it is not the pipeline's own, and annealing if there
 * is any: "20 1 5", "20 1 5 linear", "20 1 5 512x768 linear".
 */
export function drawingKey(config: Pick<RunConfig, 'sampling'>, annealing?: Annealing): string {
  const { inferenceSteps, eta, guidanceScale } = config.sampling;
  const name = annealing ? annealingName(annealing) : null;
  const parts = [inferenceSteps, eta, guidanceScale, sizeName(config), name];
  return parts.filter((part) => part !== null).join(' ');
}

/** What a base policy is drawn with under a key: the base is what annealing begins with. */
export function baseDrawing(drawing: string): string {
  return drawing
    .split(' ')
    .filter((part, i) => i < 3 || sizeForm.test(part))
    .join(' ');
}

/** A key in words: "20 steps, eta 1, guidance 5, annealed by power_4". */
export function drawingText(drawing: string): string {
  const [steps, eta, guidance, ...more] = drawing.split(' ');
  const size = more.find((part) => sizeForm.test(part));
  const annealing = more.find((part) => !sizeForm.test(part));
  const parts = [
    `${steps} ${steps === '1' ? 'step' : 'steps'}, eta ${eta}, guidance ${guidance}`,
    size && `${size.replace('x', ' × ')} pixels`,
    annealing && `annealed by ${annealing}`,
  ];
  return parts.filter(Boolean).join(', ');
}
