/**
 * @file Which examples a step of Diffusion-DPO or KTO trains on, and how each is noised: a function
 * of the round and the step.
 */
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import type { Scheduler } from '@/trainer/diffusion/schedulers/scheduler';
import type { NoiseDraw } from '@/trainer/methods/noised-images/noised-run';
import { dealt, type Label, randomOf } from '../../draw/random';

/** The pairs of step `step`, as indices: all come up equally often. */
export function pairsOfStep(pairs: number, perStep: number, step: number, label: Label): number[] {
  return dealt(indices(pairs), step * perStep, perStep, ...label, 'pairs');
}

/**
 * The images of a step, as indices into `good`, which says of each whether people called it good.
 * As many of them are good as `goodShare` says, to the whole image over all steps; within good and
 * bad, all come up equally often.
 */
export function imagesOfStep(
  good: readonly boolean[],
  { perStep, goodShare }: { perStep: number; goodShare: number },
  step: number,
  label: Label,
): number[] {
  const goodBefore = (place: number) => Math.floor(place * goodShare);
  const [first, end] = [step * perStep, (step + 1) * perStep];
  const [goodFirst, goodEnd] = [goodBefore(first), goodBefore(end)];
  const of = (wanted: boolean) => indices(good.length).filter((i) => good[i] === wanted);
  const badCount = perStep - (goodEnd - goodFirst);
  return [
    ...dealt(of(true), goodFirst, goodEnd - goodFirst, ...label, 'good'),
    ...dealt(of(false), first - goodFirst, badCount, ...label, 'bad'),
  ];
}

/** How the example at a place of a step is noised: to a timestep as the network was trained on. */
export function noiseDraw(
  { scheduler, size, emptyPromptShare }: NoiseSettings,
  step: number,
  place: number,
  label: Label,
): NoiseDraw {
  const random = randomOf(...label, 'noise', step, place);
  return {
    timestep: scheduler.trainingTimestep(() => random.next()),
    withoutPrompt: random.next() < emptyPromptShare,
    noise: gaussianNoise(JSON.stringify([...label, 'noise', step, place]), size),
  };
}

export interface NoiseSettings {
  scheduler: Pick<Scheduler, 'trainingTimestep'>;
  /** Numbers in an image's latents. */
  size: number;
  emptyPromptShare: number;
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
