/**
 * @file What a policy draws, in figures: defect rates, agreement with the prompt, diversity, each
 * with its count.
 */
import { type Proportion, wilsonInterval } from '@/lib/statistics/proportion';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { Sampler } from '@/trainer/diffusion/sampling/sampler';
import type { RolloutSettings } from '@/trainer/diffusion/sampling/trajectory';
import type { Engine } from '@/trainer/runtime/engine';
import type { Measurement } from './judge/judge';
import { allPairsDiversity } from './judge/perceptual';
import type { FingerVerdict } from './judge/verdict';
import { parsePrompt } from './prompts';
import type { Attributes } from './world/attributes';

export interface DrawnImage {
  prompt: string;
  /** RGB, 64x64x3. */
  pixels: Uint8Array;
}

/** Draws one image per prompt with the base policy; image `i` has the seed `firstSeed + i`. */
export async function drawImages(
  engine: Engine,
  pipeline: Pipeline,
  prompts: readonly string[],
  settings: RolloutSettings,
  firstSeed: number,
): Promise<DrawnImage[]> {
  const sampler = await Sampler.open(engine, pipeline, { images: 20, settings });
  const requests = prompts.map((prompt, index) => ({
    prompt,
    seed: firstSeed + index,
    noiseSeed: firstSeed + index,
  }));
  const drawn: DrawnImage[] = [];
  for await (const batch of sampler.sample(requests)) {
    for (const { request, image } of batch) {
      drawn.push({ prompt: request.prompt, pixels: new Uint8Array(image.data) });
    }
  }
  await sampler.release();
  return drawn;
}

export interface PolicyFigures {
  images: number;
  deformed: Proportion;
  blood: Proportion;
  fingers: Partial<Record<FingerVerdict, number>>;
  /** Of the images whose prompt asks for it, those that show it. */
  attributes: Record<keyof Attributes, Proportion>;
  /** Images that show everything asked for. */
  wholePrompt: Proportion;
  /** Mean distance of all pairs in the judge's features. */
  diversity: number;
}

/** Sums up what a judge said of a policy's images. */
export function figuresOf(
  images: readonly DrawnImage[],
  measured: readonly Measurement[],
): PolicyFigures {
  const n = images.length;
  const count = (is: (at: number) => boolean): Proportion => ({
    count: images.filter((_, at) => is(at)).length,
    n,
  });
  const verdict = (at: number) => measured[at]!.verdict;
  const wanted = images.map(({ prompt }) => parsePrompt(prompt));
  const shown = (key: keyof Attributes): Proportion => {
    const asked = wanted.flatMap((wish, at) => (wish[key] === undefined ? [] : [at]));
    const count = asked.filter((at) => verdict(at)[key] === wanted[at]?.[key]).length;
    return { count, n: asked.length };
  };
  const fingers: PolicyFigures['fingers'] = {};
  for (const { verdict: one } of measured) fingers[one.fingers] = (fingers[one.fingers] ?? 0) + 1;
  const keys = ['skin', 'sleeve', 'background', 'pose'] as const;
  return {
    images: n,
    deformed: count((at) => verdict(at).deformed),
    blood: count((at) => verdict(at).blood),
    fingers,
    attributes: {
      skin: shown('skin'),
      sleeve: shown('sleeve'),
      background: shown('background'),
      pose: shown('pose'),
    },
    wholePrompt: count((at) =>
      keys.every((key) => (wanted[at]?.[key] ?? verdict(at)[key]) === verdict(at)[key]),
    ),
    diversity: allPairsDiversity(measured.map(({ features }) => features)),
  };
}

/** "28.4 % (25.7 to 31.3, 284 of 1000)". */
export function describeRate(proportion: Proportion): string {
  const interval = wilsonInterval(proportion);
  if (!interval) return 'none asked';
  const percent = (share: number) => (100 * share).toFixed(1);
  const { rate, low, high } = interval;
  return `${percent(rate)} % (${percent(low)} to ${percent(high)}, ${proportion.count} of ${proportion.n})`;
}
