/**
 * @file Logistic regression on features, all folds of a cross-validation at once. With x the
 * difference of two images' features this is Bradley and Terry's model, P(a ≻ b) = σ(s_a − s_b), s
 * = wᵀf; with one image's, the odds that it is good.
 *
 *   L = Σ v_i·( softplus(wᵀx_i + c) − y_i·(wᵀx_i + c) ) / Σ v_i + λ/2·‖w‖²
 *
 * y in [0, 1]: a tie is ½, as in yuvalkirstain/PickScore `trainer/criterions/clip_criterion.py`; c
 * is 0 for comparisons. The objective is convex: where it ends does not depend on where it starts.
 */
import { type AdamWSettings, adamWFeeds, appendAdamW } from '@/trainer/autodiff/adamw';
import { gradients } from '@/trainer/autodiff/gradients';
import { Builder } from '@/trainer/graph/builder';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor, zeros } from '@/trainer/graph/tensor';
import { type Engine, outputOf } from '@/trainer/runtime/engine';

export interface Evidence {
  /** Features, or their differences, [width]. */
  x: Float32Array;
  /** y: 1 for the first image (or a good one), 0 for the second (or a bad one), ½ for neither. */
  label: number;
  /** v: how much it counts. */
  weight: number;
  /** Which fold holds it out, from 0. */
  fold: number;
}

export interface FitSettings {
  folds: number;
  /** λ. */
  ridge: number;
  /** Whether there is a c. */
  intercept: boolean;
}

export interface Fit {
  /** w of all evidence together, [width]. */
  weights: Float32Array;
  intercept: number;
  /** w of all but each fold. */
  without: Float32Array[];
  /** wᵀx + c of every piece of evidence, by the fit that has not seen it. */
  heldOut: Float32Array;
}

/**
 * Enough for the gradient to vanish on standardized features; the step size falls to 0 over them.
 */
const steps = 300;
const firstStepSize = 0.05;

const adamW: AdamWSettings = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 };

const trained = ['weights', 'intercept'] as const;
const slots = trained.flatMap((name) => [name, `m.${name}`, `v.${name}`]);

/** Fits w on everything, and on everything but each fold. */
export async function fitLogistic(
  engine: Engine,
  evidence: readonly Evidence[],
  settings: FitSettings,
): Promise<Fit> {
  const { folds } = settings;
  const width = evidence[0]?.x.length ?? 0;
  // Column k leaves out fold k; the last one leaves out nothing.
  const columns = folds + 1;
  const examples = new Float32Array(evidence.length * width);
  const counts = new Float32Array(evidence.length * columns);
  for (const [row, { x, weight, fold }] of evidence.entries()) {
    examples.set(x, row * width);
    for (let k = 0; k < columns; k++) counts[row * columns + k] = k === fold ? 0 : weight;
  }
  normalizeColumns(counts, columns);
  const given: Record<string, Tensor> = {
    examples: float32([evidence.length, width], examples),
    labels: float32(
      [evidence.length, 1],
      evidence.map(({ label }) => label),
    ),
    counts: float32([evidence.length, columns], counts),
  };
  const slot = (name: string) => `reward fit ${name}`;
  const session = await engine.load(
    serializeOnnx(fitStep(evidence.length, width, columns, settings)),
    {
      name: 'reward fit',
      resident: slots.map((name) => `${name}.next`),
    },
  );
  const names = [...Object.keys(given), ...slots];
  try {
    for (const [name, value] of Object.entries(given)) await engine.put(slot(name), value);
    for (const name of slots) {
      const dims = [name.endsWith('weights') ? width : 1, columns];
      await engine.put(slot(name), zeros('float32', dims));
    }
    const feeds = Object.fromEntries(names.map((name) => [name, engine.slot(slot(name))]));
    const keep = Object.fromEntries(slots.map((name) => [`${name}.next`, slot(name)]));
    for (let step = 1; step <= steps; step++) {
      const stepSize = firstStepSize * (1 - (step - 1) / steps);
      await session.run({ ...feeds, ...adamWFeeds(step, stepSize, adamW) }, { fetch: [], keep });
    }
    const out = await session.run(
      { ...feeds, ...adamWFeeds(1, 0, adamW) },
      { fetch: ['margins'], keep },
    );
    const margins = outputOf(out, 'margins', 'float32').data;
    const column = async (name: string, at = folds) => {
      const { data } = (await engine.get(slot(name))) as Tensor<'float32'>;
      return data.filter((_, i) => i % columns === at);
    };
    const without: Float32Array[] = [];
    for (let fold = 0; fold < folds; fold++) without.push(await column('weights', fold));
    return {
      weights: await column('weights'),
      intercept: (await column('intercept'))[0]!,
      without,
      heldOut: Float32Array.from(evidence, ({ fold }, row) => margins[row * columns + fold]!),
    };
  } finally {
    await engine.drop(...names.map(slot));
    await session.release();
  }
}

/** Makes every column sum to 1: the loss is a mean over what its fit may see. */
function normalizeColumns(counts: Float32Array, columns: number): void {
  const sums = new Float64Array(columns);
  counts.forEach((count, i) => {
    sums[i % columns] = sums[i % columns]! + count;
  });
  counts.forEach((count, i) => {
    counts[i] = count / Math.max(sums[i % columns]!, Number.MIN_VALUE);
  });
}

/**
 * One step of AdamW on all columns; `margins` [n, columns] are those of the weights it was given.
 */
function fitStep(
  n: number,
  width: number,
  columns: number,
  { ridge, intercept }: FitSettings,
): Graph {
  const b = new Builder('reward fit');
  const examples = b.input('examples', 'float32', [n, width]);
  const labels = b.input('labels', 'float32', [n, 1]);
  const counts = b.input('counts', 'float32', [n, columns]);
  const weights = b.input('weights', 'float32', [width, columns]);
  const offset = b.input('intercept', 'float32', [1, columns]);
  const linear = b.add(b.matmul(examples, weights), b.scale(offset, intercept ? 1 : 0));
  const losses = b.sub(b.op('Softplus', [linear]), b.mul(labels, linear));
  const penalty = b.scale(b.op('ReduceSumSquare', [weights], { keepdims: 0 }), ridge / 2);
  const loss = b.add(b.reduceSum(b.mul(losses, counts), [0, 1], false), penalty);
  const found = gradients(b, { of: loss, wrt: [weights, offset] });
  const { updated } = appendAdamW(
    b,
    trained.map((name, i) => ({
      value: name,
      gradient: found[i]!,
      firstMoment: b.input(`m.${name}`, 'float32', b.dims(name)),
      secondMoment: b.input(`v.${name}`, 'float32', b.dims(name)),
    })),
    adamW,
  );
  b.output(linear, 'margins');
  for (const [i, name] of trained.entries()) {
    const next = updated[i]!;
    b.output(next.value, `${name}.next`);
    b.output(next.firstMoment, `m.${name}.next`);
    b.output(next.secondMoment, `v.${name}.next`);
  }
  return b.finish();
}
