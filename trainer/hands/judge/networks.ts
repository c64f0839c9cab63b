/**
 * @file The two judges' networks. They share nothing but their questions: A is a residual network
 * with group norms that pools by mean and maximum; B is a plain stack of larger kernels without
 * norms that reads a coarse grid of positions.
 */
import type { Value } from '@/trainer/graph/builder';
import type { Layers, Path } from '../networks/layers';
import { QUESTION_NAMES, QUESTIONS } from './verdict';

export type JudgeName = 'a' | 'b';

export interface JudgeOutputs {
  /** Logits per question, [batch, answers]. */
  logits: Value[];
  /**
   * Activations of every stage, [batch, channels, height, width] each: what perceptual distance
   * compares.
   */
  stages: Value[];
}

const GROUPS = 8;
const EPSILON = 1e-5;

/** Appends a judge: images [batch, 3, 64, 64] in [-1, 1] to logits and the stages they rest on. */
export function buildJudge(layers: Layers, name: JudgeName, images: Value): JudgeOutputs {
  const stages: Value[] = [];
  const read = name === 'a' ? residualFeatures : plainFeatures;
  const features = read(layers, images, stages);
  const logits = QUESTION_NAMES.map((question) =>
    layers.linear2d(['heads', question], features, QUESTIONS[question].length),
  );
  return { logits, stages };
}

/** `stages` receives the activations on the way. */
function residualFeatures(layers: Layers, images: Value, stages: Value[]): Value {
  const b = layers.builder;
  let x = layers.conv(['stem'], unshuffle(layers, images, 2), 32, { kernel: 3 });
  const widths = [48, 80, 112];
  widths.forEach((width, level) => {
    x = layers.conv([`down.${level}`], x, width, { kernel: 3, stride: 2 });
    x = residual(layers, [`block.${level}`], x, stages);
  });
  x = layers.silu(['last'], layers.groupNorm(['last_norm'], x, GROUPS, EPSILON));
  stages.push(x);
  const mean = b.reduceMean(x, [2, 3], false);
  const most = b.op('ReduceMax', [x, b.ints([2, 3])], { keepdims: 0 });
  return layers.silu(['join'], layers.linear2d(['join'], b.concat([mean, most], 1), 128));
}

function residual(layers: Layers, path: Path, x: Value, stages: Value[]): Value {
  const width = layers.channels(x);
  const active = (index: number, value: Value) =>
    layers.silu(
      [...path, `act${index}`],
      layers.groupNorm([...path, `norm${index}`], value, GROUPS, EPSILON),
    );
  const conv = (index: number, value: Value) =>
    layers.conv([...path, `conv${index}`], value, width, { kernel: 3 });
  const first = active(1, x);
  stages.push(first);
  return layers.op(path, 'Add', [x, conv(2, active(2, conv(1, first)))]);
}

function plainFeatures(layers: Layers, images: Value, stages: Value[]): Value {
  const b = layers.builder;
  const bend = (x: Value) => b.op('LeakyRelu', [x], { alpha: 0.1 });
  const stage = (x: Value) => {
    stages.push(bend(x));
    return stages.at(-1) as Value;
  };
  let x = stage(layers.conv(['first'], images, 24, { kernel: 5, stride: 2 }));
  x = stage(layers.conv(['second'], x, 48, { kernel: 5, stride: 2 }));
  x = stage(layers.conv(['third'], x, 64, { kernel: 3 }));
  x = stage(layers.conv(['fourth'], x, 80, { kernel: 3, stride: 2 }));
  x = stage(layers.conv(['fifth'], x, 64, { kernel: 3 }));
  const cells = b
    .dims(x)
    .slice(1)
    .reduce((size, dim) => size * dim, 1);
  const flat = b.op('Reshape', [x, b.ints([-1, cells])]);
  return bend(layers.linear2d(['join'], flat, 112));
}

/** [batch, 3, 64, 64] to [batch, 3·size², 64/size, 64/size]. */
function unshuffle(layers: Layers, images: Value, size: number): Value {
  const b = layers.builder;
  const [, channels, height, width] = b.dims(images) as [number, number, number, number];
  const [down, across] = [height / size, width / size];
  const split = b.op('Reshape', [images, b.ints([0, channels, down, size, across, size])]);
  const gathered = b.op('Transpose', [split], { perm: [0, 1, 3, 5, 2, 4] });
  return b.op('Reshape', [gathered, b.ints([0, channels * size * size, down, across])]);
}
