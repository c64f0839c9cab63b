/**
 * @file The graph that turns accumulated gradients into new weights: AdamW over every trained
 * tensor, and their moving average.
 */
import { type AdamWSettings, appendAdamW } from '@/trainer/autodiff/adamw';
import type { AdapterTensor } from '@/trainer/diffusion/adapters/lora';
import { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { accumulated, type SecondMoment, squared } from './accumulation';
import { appendMovingAverage, average } from './moving-average';

export const firstMoment = (name: string) => `m.${name}`;
export const secondMoment = (name: string) => `v.${name}`;
export const next = (name: string) => `${name}.next`;

/**
 * Inputs: each tensor as `NAME`, `m.NAME`, `v.NAME` and its sums over runs, and AdamW's scalars;
 * `average.NAME` and the average's scalar where one is kept. Outputs: all but sums and scalars as
 * `….next`, and `gradNorm` before clipping.
 */
export function buildUpdateStep(
  tensors: readonly AdapterTensor[],
  settings: AdamWSettings,
  from: SecondMoment,
  averaged: boolean,
): Graph {
  const b = new Builder('update-step');
  const declared = tensors.map(({ name, dims }) => ({
    value: b.input(name, 'float32', dims),
    gradient: b.input(accumulated(name), 'float32', dims),
    firstMoment: b.input(firstMoment(name), 'float32', dims),
    secondMoment: b.input(secondMoment(name), 'float32', dims),
    ...(from === 'runs' && { squares: b.input(squared(name), 'float32', dims) }),
  }));
  const { updated, gradNorm } = appendAdamW(b, declared, settings);
  tensors.forEach(({ name }, i) => {
    const result = updated[i]!;
    b.output(result.value, next(name));
    b.output(result.firstMoment, next(firstMoment(name)));
    b.output(result.secondMoment, next(secondMoment(name)));
  });
  if (averaged) {
    const averages = appendMovingAverage(
      b,
      tensors.map(({ name, dims }) => b.input(average(name), 'float32', dims)),
      updated.map(({ value }) => value),
    );
    tensors.forEach(({ name }, i) => {
      b.output(averages[i]!, next(average(name)));
    });
  }
  b.output(gradNorm, 'gradNorm');
  return b.finish();
}
