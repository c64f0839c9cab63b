/**
 * @file Trains a judge, measures it on drawn hands that no judge has seen, and writes its model.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Builder, Value } from '@/trainer/graph/builder';
import { float32, tensor } from '@/trainer/graph/tensor';
import type { Random } from '@/trainer/random';
import type { Engine, Feeds } from '@/trainer/runtime/engine';
import type { Layers } from '../networks/layers';
import { IMAGE_BYTES } from '../pretrain/dataset';
import type { PipelineWeights } from '../pretrain/export';
import { log, runStage, type StageSettings } from '../pretrain/stage';
import { averagedWeights, Training } from '../pretrain/training';
import { imagesFromBytes } from '../pretrain/vae-stage';
import { IMAGE_SIZE } from '../world/draw';
import { describeAccuracy, measureAccuracy } from './accuracy';
import { disturb, type JudgeData, openJudgeData } from './data';
import { exportJudge } from './export';
import { Judge, judgePath } from './judge';
import { buildJudge, type JudgeName } from './networks';
import { QUESTION_NAMES, QUESTIONS } from './verdict';

const JUDGE_SETTINGS: Record<JudgeName, StageSettings & { images: number }> = {
  a: {
    steps: 2500,
    batch: 32,
    learningRate: 1.5e-3,
    warmUpSteps: 200,
    decaySteps: 1800,
    averageDecay: 0.998,
    seed: 101,
    images: 30_000,
  },
  b: {
    steps: 2500,
    batch: 32,
    learningRate: 1e-3,
    warmUpSteps: 300,
    decaySteps: 1800,
    averageDecay: 0.998,
    seed: 202,
    images: 24_000,
  },
};

const MEASURED_IMAGES = 4000;
const ANSWER_COUNTS = QUESTION_NAMES.map((question) => QUESTIONS[question].length);
const ANSWERS = ANSWER_COUNTS.reduce((total, count) => total + count, 0);

/** Cross-entropy of [batch, answers] logits with one-hot answers, averaged over the batch. */
function crossEntropy(b: Builder, logits: Value, right: Value): Value {
  const most = b.op('ReduceMax', [logits, b.ints([1])], { keepdims: 1 });
  const shifted = b.sub(logits, most);
  const total = b.op('Log', [b.reduceSum(b.op('Exp', [shifted]), [1], false)]);
  const chosen = b.reduceSum(b.mul(shifted, right), [1], false);
  return b.reduceMean(b.sub(total, chosen), [0], false);
}

function judgeLoss(layers: Layers, name: JudgeName, batch: number): Record<string, Value> {
  const b = layers.builder;
  const bytes = b.input('images', 'uint8', [batch, IMAGE_SIZE, IMAGE_SIZE, 3]);
  const right = b.input('right', 'float32', [batch, ANSWERS]);
  const { logits } = buildJudge(layers, name, imagesFromBytes(b, bytes));
  const losses: Record<string, Value> = {};
  let loss: Value | undefined;
  let at = 0;
  QUESTION_NAMES.forEach((question, index) => {
    const count = ANSWER_COUNTS[index]!;
    const one = crossEntropy(b, logits[index]!, b.slice(right, 1, at, at + count));
    at += count;
    losses[question] = one;
    loss = loss ? b.add(loss, one) : one;
  });
  return { loss: loss as Value, ...losses };
}

function judgeBatch(random: Random, data: JudgeData, batch: number): Feeds {
  const images = new Uint8Array(batch * IMAGE_BYTES);
  const right = new Float32Array(batch * ANSWERS);
  for (let at = 0; at < batch; at++) {
    const index = random.integer(data.count);
    images.set(disturb(random, data.image(index)), at * IMAGE_BYTES);
    let first = at * ANSWERS;
    data.answers(index).forEach((answer, question) => {
      right[first + answer] = 1;
      first += ANSWER_COUNTS[question]!;
    });
  }
  return {
    images: tensor('uint8', [batch, IMAGE_SIZE, IMAGE_SIZE, 3], images),
    right: float32([batch, ANSWERS], right),
  };
}

/** Trains judge `name` in `folder`; `weights` redraw its images in the generator's handwriting. */
export async function trainJudge(
  engine: Engine,
  folder: string,
  name: JudgeName,
  weights: PipelineWeights,
): Promise<void> {
  const settings = JUDGE_SETTINGS[name];
  const data = await openJudgeData(
    engine,
    join(folder, `judge-${name}.bin`),
    settings.seed,
    settings.images,
    weights,
  );
  const training = await Training.compile(engine, `judge-${name}`, (layers) =>
    judgeLoss(layers, name, settings.batch),
  );
  await runStage({
    name: `judge-${name}`,
    folder,
    settings,
    training,
    batch: (random) => judgeBatch(random, data, settings.batch),
    show: async () => {},
  });
  const average = averagedWeights(await training.state());
  mkdirSync(dirname(judgePath(name)), { recursive: true });
  writeFileSync(judgePath(name), exportJudge(name, average));
  const accuracy = await measureAccuracy(await Judge.open(engine, name), MEASURED_IMAGES);
  writeFileSync(
    judgePath(name).replace('.onnx', '.accuracy.json'),
    `${JSON.stringify(accuracy, null, 2)}\n`,
  );
  log(folder, `judge ${name}, ${describeAccuracy(accuracy)}`);
}
