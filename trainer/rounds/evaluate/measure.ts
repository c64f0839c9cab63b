/** @file Everything that is measured in a policy's evaluation images, in one pass over them. */
import { setVerdicts } from '@/db/rounds/samples';
import type { Judge, Reading } from '@/trainer/judging';
import type { Engine } from '@/trainer/runtime/engine';
import { networkDiversity } from './diversity';
import type { EvaluatedPolicy } from './images';
import type { RoundRewards } from './rewards';
import { type StoredImage, StoredImages } from './stored-images';

/** Of images that are compared with each other: 340 of 512 × 512 pixels. */
const comparedBytesMax = 256 * 2 ** 20;

/** What there is to measure with; where there is nothing, no image is read. */
export interface Instruments {
  engine: Engine;
  judge?: Judge;
  rewards?: RoundRewards;
  /** Where the network lies that measures diversity, if the pipeline brings one. */
  diversityNetwork?: string;
}

/** In the order of the plan. */
export interface Measured {
  readings?: Reading[];
  scores?: number[];
  /** By the network; null where no prompt has two images. */
  diversity?: number | null;
}

/** Measures a policy's images, all drawn; the judge's verdicts are stored. */
export async function measure(policy: EvaluatedPolicy, tools: Instruments): Promise<Measured> {
  const { engine, judge, rewards, diversityNetwork } = tools;
  const images = new StoredImages(policy, diversityNetwork ? comparedBytesMax : 0);
  const readings: Reading[] = [];
  const scores: number[] = [];
  if (judge || rewards) {
    for await (const portion of images.portions()) {
      if (judge) readings.push(...(await readAll(judge, portion)));
      if (rewards) scores.push(...(await rewards.score(portion)));
    }
  }
  return {
    ...(judge && { readings }),
    ...(rewards && { scores }),
    ...(diversityNetwork && {
      diversity: await networkDiversity(engine, diversityNetwork, images),
    }),
  };
}

async function readAll(judge: Judge, portion: readonly StoredImage[]): Promise<Reading[]> {
  const readings = await judge.read(portion);
  // Read once, verdicts stand: people may have reviewed the flags that follow from them.
  const unread = portion.flatMap(({ id: sampleId, verdict }, i) =>
    verdict?.judge === judge.name ? [] : [{ sampleId, verdict: readings[i]!.verdict }],
  );
  await setVerdicts(unread);
  return readings;
}
