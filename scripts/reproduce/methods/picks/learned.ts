/**
 * @file Rewards learned from simulated judgements: judge B's eyes say what training follows, judge
 * A never does.
 */
import type { LearnedSource } from '@/lib/rewards';
import { answer, followsPrompt, looksRight, type Taste, tag } from '@/scripts/annotators';
import { pipelineHash } from '@/trainer/diffusion/pipelines/hash';
import { Judge } from '@/trainer/hands/judge/judge';
import type { Verdict } from '@/trainer/hands/judge/verdict';
import { drawPrompts, TRAINING_PROMPTS } from '@/trainer/hands/prompts';
import { IMAGE_SIZE } from '@/trainer/hands/world/draw';
import { FeatureReader } from '@/trainer/rewards/learned/feature-reader';
import { parseHead, serializeHead } from '@/trainer/rewards/learned/head';
import { learnedReward } from '@/trainer/rewards/learned/learned-reward';
import { type Statement, trainReward } from '@/trainer/rewards/learned/train';
import type { Reward } from '@/trainer/rewards/reward';
import { type Label, randomOf, trainingSeed } from '@/trainer/rounds/draw/random';
import { mistakes } from '../../experiment/collect';
import { type Drawn, draw } from '../../experiment/draw';
import type { Bench } from '../bench';
import { atDesk, type Desk, type Effort, featureNetworks } from '../desk';

/** A fitted reward as JSON keeps it. */
export interface LearnedHead {
  name: string;
  /** The head's file in base64. */
  head: string;
  judgements: number;
  /** Held-out answers predicted right. */
  heldOut: { count: number; n: number };
}

/** An image as labels see it. */
export type Seen = Pick<Drawn, 'prompt' | 'pixels' | 'verdict'>;

/** What was said of images: a comparison names two of them, a flag one. */
export type Said = Pick<Statement, 'first' | 'second' | 'label'>;

const imagesPerRun = 16;

/** Images of the base for labels, two and two of one prompt, read by the annotators' eyes. */
export async function drawPairs(desk: Desk, pairs: number, label: Label): Promise<Seen[]> {
  const eyes = await Judge.open(desk.engine, 'b');
  const prompts = drawPrompts(randomOf(...label, 'prompts'), TRAINING_PROMPTS, pairs);
  const requests = prompts.flatMap((prompt, pair) =>
    [0, 1].map((side) => {
      const seed = trainingSeed(...label, 'pair', pair, side);
      return { prompt, seed, noiseSeed: seed };
    }),
  );
  const seen: Seen[] = [];
  for await (const image of draw(desk.student, eyes, undefined, requests, {
    keepTrajectories: false,
  })) {
    const { prompt, pixels, verdict } = image;
    seen.push({ prompt, pixels, verdict });
  }
  return seen;
}

/** Picks between images 2i and 2i+1 by a taste; undecided ones count half. */
export function picksOf(images: readonly Seen[], taste: Taste, label: Label): Said[] {
  const random = randomOf(...label, 'annotators');
  return Array.from({ length: images.length >> 1 }, (_, pair) => {
    const [left, right] = [images[2 * pair], images[2 * pair + 1]] as [Seen, Seen];
    const said = answer(left.prompt, [left.verdict, right.verdict], taste, mistakes, random);
    const half = said === 'tie' || said === 'both-bad';
    return { first: 2 * pair, second: 2 * pair + 1, label: half ? 0.5 : Number(said === 'left') };
  });
}

/** Which images people find free of defects. */
export function flagsOf(
  images: readonly Seen[],
  bad: (verdict: Verdict) => boolean,
  label: Label,
): Said[] {
  const verdicts = images.map(({ verdict }) => verdict);
  const flagged = tag(verdicts, bad, mistakes, randomOf(...label, 'annotators'));
  return flagged.map((is, first) => ({ first, second: null, label: Number(!is) }));
}

/** Reads features of all images once. */
export async function featuresOf(
  { engine, encode, student }: Desk,
  images: readonly Pick<Seen, 'prompt' | 'pixels'>[],
): Promise<Float32Array[]> {
  const reader = await FeatureReader.open(engine, student.pipeline, imagesPerRun);
  const features: Float32Array[] = [];
  for (let first = 0; first < images.length; first += imagesPerRun) {
    const together = await Promise.all(
      images.slice(first, first + imagesPerRun).map(async ({ prompt, pixels }) => ({
        image: { width: IMAGE_SIZE, height: IMAGE_SIZE, data: pixels },
        context: await encode(prompt),
      })),
    );
    features.push(...(await reader.read(together)));
  }
  await reader.release();
  return features;
}

/** Fits a reward. @param prompts of the images, in the order of the features */
export async function fitReward(
  { engine, student }: Desk,
  name: string,
  source: LearnedSource,
  features: readonly Float32Array[],
  prompts: readonly string[],
  said: readonly Said[],
): Promise<LearnedHead> {
  const promptOf = ({ first }: Said) => prompts[first]!;
  const asked = new Map<string, number>();
  for (const one of said) asked.set(promptOf(one), (asked.get(promptOf(one)) ?? 0) + 1);
  const statements = said.map((one) => ({
    ...one,
    weight: 1 / (asked.get(promptOf(one)) as number),
    group: String(one.first),
  }));
  const { head, report } = await trainReward(engine, features, {
    source,
    statements,
    annotators: 1,
    until: 0,
    ceiling: { count: 0, n: 0 },
  });
  const bytes = serializeHead({
    ...head,
    pipelineHash: await pipelineHash(student.pipeline.folder),
  });
  return {
    name,
    head: Buffer.from(bytes).toString('base64'),
    judgements: said.length,
    heldOut: report.heldOut,
  };
}

/** The reward that a head is, in this engine. */
export async function openHead({ name, head }: LearnedHead, desk: Desk): Promise<Reward> {
  const networks = await featureNetworks(desk.student.pipeline);
  return learnedReward(name, parseHead(Buffer.from(head, 'base64'), name), networks, desk.encode);
}

/** The rewards that several figures follow. */
export interface SharedHeads {
  heads: Record<'picks' | 'flags' | 'alignment', LearnedHead>;
  effort: Effort;
}

/** The rewards learned from judgements of base images that several figures follow. */
export function sharedHeads(bench: Bench): Promise<SharedHeads> {
  const { judgements } = bench.sizes;
  return bench.shared.unit('heads', async () => {
    bench.log(`learned rewards: ${judgements} judgements each`);
    const { result: heads, effort } = await atDesk(bench, async (desk) => {
      const images = await drawPairs(desk, judgements, ['heads']);
      const features = await featuresOf(desk, images);
      const prompts = images.map(({ prompt }) => prompt);
      const learn = (name: string, source: LearnedSource, said: readonly Said[]) =>
        fitReward(desk, name, source, features, prompts, said);
      const flagged = images.slice(0, judgements);
      const bad = ({ deformed, blood }: Verdict) => deformed || blood;
      return {
        picks: await learn('picks', 'picks', picksOf(images, looksRight, ['heads', 'picks'])),
        flags: await learn('flags', 'flags', flagsOf(flagged, bad, ['heads', 'flags'])),
        alignment: await learn(
          'alignment',
          'picks',
          picksOf(images, followsPrompt, ['heads', 'alignment']),
        ),
      };
    });
    return { heads, effort };
  });
}
