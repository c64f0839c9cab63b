/**
 * @file V(x_t, c, t): which reward an image will have, told from a step on its way.
 *
 *   h_0 = [x_t averaged to at most 16×16, mean over tokens of what the denoiser is told of the prompt]
 *   h_i = max(0, g_i(t) ⊙ (h_{i−1}·W_i + b_i)),  i = 1, 2;   V = h_2·w + b
 *
 * As in google-research/google-research `dpok/reward_model.py` (`ValueMulti`): every layer has a
 * gain per step. There are three layers of 256 over the whole x_t and CLIP's text features, gains
 * start uniform, and V near 0. Here are two layers of 128, the embeddings that the denoiser attends
 * to, and gains that start at 1; V starts at the mean reward of the first draw.
 */

import { gradients } from '@/trainer/autodiff/gradients';
import type { Adapter, AdapterTensor } from '@/trainer/diffusion/adapters/lora';
import type { ConditioningShape } from '@/trainer/diffusion/pipelines/conditioning';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { Builder, type Value } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { float32, sizeOf, type Tensor } from '@/trainer/graph/tensor';
import { appendAccumulation } from '../optimizer/accumulation';
import type { DrawSize } from './baseline';
import type { DrawnImage } from './draw';

const hidden = 128;
const layers = 2;
const mostPositions = 16;

/** The bias that V starts from. */
export const outputBias = 'value.out.bias';

/** Numbers that the network sees of a transition, beside its step. */
export function featureCount({ latent: [channels, height, width], context }: DrawSize): number {
  const [rows, columns] = [height, width].map((side) => Math.min(side, mostPositions));
  return channels * (rows as number) * (columns as number) + widths(context);
}

/** What the network sees of an image at a step: h_0. */
export function featuresOf(
  { states, context }: DrawnImage,
  step: number,
  { latent, context: shape }: DrawSize,
): Float32Array {
  const told = Object.keys(shape).flatMap((port) => [...meanOfRows(context[port]!)]);
  const seen = averaged(states[step]!, latent);
  return Float32Array.from([...seen, ...told]);
}

/** Numbers that `meanOfRows` leaves of a conditioning. */
function widths(shape: ConditioningShape): number {
  return Object.values(shape).reduce((sum, dims) => sum + (dims.at(-1) as number), 0);
}

/** The mean over all axes but the last. */
function meanOfRows({ data, dims }: Tensor<'float32'>): Float32Array {
  const width = dims.at(-1) as number;
  const sums = new Float32Array(width);
  for (const [i, value] of data.entries()) sums[i % width] = (sums[i % width] ?? 0) + value;
  return sums.map((sum) => sum / (data.length / width));
}

/**
 * [C, H, W] averaged over equal tiles to at most 16 a side; a remainder belongs to the last tile.
 */
function averaged(
  values: Float32Array,
  [channels, height, width]: DrawSize['latent'],
): Float32Array {
  const [rows, columns] = [Math.min(height, mostPositions), Math.min(width, mostPositions)];
  const [tall, wide] = [Math.floor(height / rows), Math.floor(width / columns)];
  const tiles = channels * rows * columns;
  const [sums, counts] = [new Float32Array(tiles), new Float32Array(tiles)];
  for (const [i, value] of values.entries()) {
    const row = Math.min(Math.floor((Math.floor(i / width) % height) / tall), rows - 1);
    const column = Math.min(Math.floor((i % width) / wide), columns - 1);
    const tile = (Math.floor(i / (height * width)) * rows + row) * columns + column;
    sums[tile] = sums[tile]! + value;
    counts[tile] = counts[tile]! + 1;
  }
  return sums.map((sum, tile) => sum / counts[tile]!);
}

/** The network's tensors. */
export function valueTensors(size: DrawSize): AdapterTensor[] {
  const widths = [featureCount(size), ...Array<number>(layers).fill(hidden)];
  const all: [string, number[]][] = widths.slice(1).flatMap((width, i) => [
    [`value.${i}.weight`, [widths[i]!, width]],
    [`value.${i}.bias`, [width]],
    [`value.${i}.gain`, [size.steps, width]],
  ]);
  const out: [string, number[]][] = [
    ['value.out.weight', [hidden, 1]],
    [outputBias, [1]],
  ];
  return [...all, ...out].map(([name, dims]) => ({ name, dims }));
}

/** Weights before anything is learned: V is 0 everywhere. */
export function initialValueNetwork(size: DrawSize): Adapter {
  return new Map(
    valueTensors(size).map(({ name, dims }) => {
      const count = sizeOf(dims);
      if (name.endsWith('.gain')) return [name, float32(dims, new Float32Array(count).fill(1))];
      if (name.startsWith('value.out') || name.endsWith('.bias')) {
        return [name, float32(dims, new Float32Array(count))];
      }
      const [before, after] = dims as [number, number];
      const deviation = Math.sqrt(2 / (before + after));
      return [
        name,
        float32(
          dims,
          gaussianNoise(name, count).map((z) => deviation * z),
        ),
      ];
    }),
  );
}

/**
 * Declares the tensors, `features` [rows, …] and `step` [rows, steps] (one-hot); appends V, [rows].
 */
function appendValue(b: Builder, size: DrawSize, rows: number): { weights: Value[]; value: Value } {
  const weights = valueTensors(size).map(({ name, dims }) => b.input(name, 'float32', dims));
  const step = b.input('step', 'float32', [rows, size.steps]);
  let layer = b.input('features', 'float32', [rows, featureCount(size)]);
  for (let i = 0; i < layers; i++) {
    const linear = b.add(b.matmul(layer, `value.${i}.weight`), `value.${i}.bias`);
    layer = b.op('Relu', [b.mul(linear, b.matmul(step, `value.${i}.gain`))]);
  }
  const out = b.add(b.matmul(layer, 'value.out.weight'), outputBias);
  return { weights, value: b.reshape(out, [rows]) };
}

/** Inputs: the tensors, `features`, `step`. Output: `value` [rows]. */
export function buildValue(size: DrawSize, rows: number): Graph {
  const b = new Builder('value');
  b.output(appendValue(b, size, rows).value, 'value');
  return b.finish();
}

/**
 * Inputs: those of `buildValue`, `reward` [rows] and the sums so far. Outputs: `loss`, mean (V −
 * r)², and the sums.
 */
export function buildValueStep(size: DrawSize, rows: number): Graph {
  const b = new Builder('value step');
  const { weights, value } = appendValue(b, size, rows);
  const difference = b.sub(value, b.input('reward', 'float32', [rows]));
  const loss = b.reduceMean(b.mul(difference, difference), [0], false);
  const found = gradients(b, { of: loss, wrt: weights });
  b.output(loss, 'loss');
  appendAccumulation(b, weights, found, 'step');
  return b.finish();
}
