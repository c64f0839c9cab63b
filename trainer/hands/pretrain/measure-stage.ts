/**
 * @file Last stage: measures the written policy on the evaluation prompts, with both judges, and
 * draws its sheets.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { RolloutSettings } from '@/trainer/diffusion/sampling/trajectory';
import { createRandom } from '@/trainer/random';
import type { Engine } from '@/trainer/runtime/engine';
import { writeContactSheet } from '../contact-sheet';
import { Judge } from '../judge/judge';
import type { JudgeName } from '../judge/networks';
import { describeRate, drawImages, figuresOf, type PolicyFigures } from '../measure';
import { drawPrompts, EVALUATION_PROMPTS } from '../prompts';
import { IMAGE_SIZE } from '../world/draw';
import { log } from './stage';

/**
 * How the built-in policy is meant to be sampled: the official D3PO code's settings, but for
 * guidance (5 there): here it burns colours out.
 */
export const SAMPLING: RolloutSettings = { steps: 20, eta: 1, guidance: 2 };

/** Seeds of this measurement; training of policies uses others. */
const FIRST_SEED = 7_000_000;
const SHOWN = 100;

export interface MeasuredPolicy {
  sampling: RolloutSettings;
  figures: Record<JudgeName, PolicyFigures>;
  /** Share of images on which both judges agree, per question. */
  judgesAgree: { deformed: number; blood: number };
}

/**
 * Draws `count` images, measures them and writes measured.json, samples.png and judged.png into the
 * policy.
 */
export async function measurePolicy(
  engine: Engine,
  policy: string,
  count: number,
  sampling: RolloutSettings = SAMPLING,
): Promise<MeasuredPolicy> {
  const prompts = drawPrompts(createRandom(FIRST_SEED), EVALUATION_PROMPTS, count);
  const pipeline = await openPipeline(policy);
  const images = await drawImages(engine, pipeline, prompts, sampling, FIRST_SEED);
  const pixels = images.map((image) => image.pixels);
  const [a, b] = [await Judge.open(engine, 'a'), await Judge.open(engine, 'b')];
  const [byA, byB] = [await a.measure(pixels), await b.measure(pixels)];
  const agree = (key: 'deformed' | 'blood') =>
    byA.filter(({ verdict }, at) => verdict[key] === byB[at]?.verdict[key]).length / count;
  const measured: MeasuredPolicy = {
    sampling,
    figures: { a: figuresOf(images, byA), b: figuresOf(images, byB) },
    judgesAgree: { deformed: agree('deformed'), blood: agree('blood') },
  };
  writeFileSync(join(policy, 'measured.json'), `${JSON.stringify(measured, null, 2)}\n`);
  writeContactSheet(join(policy, 'samples.png'), pixels.slice(0, 40), IMAGE_SIZE, {
    columns: 10,
    zoom: 2,
    gap: 2,
  });
  writeContactSheet(join(policy, 'judged.png'), pixels.slice(0, SHOWN), IMAGE_SIZE, {
    columns: 10,
    zoom: 2,
    gap: 4,
    labels: byA.slice(0, SHOWN).map(({ verdict }) => {
      const fingers = verdict.fingers === 'unclear' ? '?' : String(verdict.fingers);
      return verdict.blood ? `${fingers}B` : fingers;
    }),
  });
  return measured;
}

/** Says what was measured. */
export function logMeasured(
  folder: string,
  { sampling, figures, judgesAgree }: MeasuredPolicy,
): void {
  log(folder, `sampled with ${JSON.stringify(sampling)}`);
  for (const [judge, one] of Object.entries(figures)) {
    log(folder, `judge ${judge}: deformed ${describeRate(one.deformed)}`);
    log(folder, `judge ${judge}: blood ${describeRate(one.blood)}`);
    for (const [attribute, proportion] of Object.entries(one.attributes)) {
      log(folder, `judge ${judge}: ${attribute} as asked ${describeRate(proportion)}`);
    }
    log(folder, `judge ${judge}: whole prompt ${describeRate(one.wholePrompt)}`);
    log(
      folder,
      `judge ${judge}: fingers ${JSON.stringify(one.fingers)}, diversity ${one.diversity.toFixed(4)}`,
    );
  }
  log(folder, `judges agree: ${JSON.stringify(judgesAgree)}`);
}
