/** @file Figure `rewards`: DRTune against DRaFT-1, DRaFT-K, AlignProp and ReFL on many rewards, and memory against K. */
import { alignProp } from '@/trainer/methods/alignprop';
import { draft } from '@/trainer/methods/draft';
import { drTune } from '@/trainer/methods/drtune';
import { refl } from '@/trainer/methods/refl';
import type { RewardGradientMethod } from '@/trainer/methods/rollouts/plan';
import { brightness, symmetry } from '@/trainer/rewards/analytic';
import { combine } from '@/trainer/rewards/combine';
import { compressibility, incompressibility } from '@/trainer/rewards/jpeg';
import type { Reward } from '@/trainer/rewards/reward';
import { scoresOf } from '@/trainer/rounds/score-images';
import { atDesk, type Bench, type Desk, type Effort, studentSettings } from './bench';
import { evaluate, meanOf } from './evaluation';
import {
  type Figure,
  type KeptImages,
  keepImages,
  pixelsOf,
  seedsPoint,
  seedsText,
  type Told,
  table,
} from './figure';
import { openRollouts, trainAlong } from './follow';
import { openHead, type SharedHeads, sharedHeads } from './learned';
import {
  addPasses,
  drawingPasses,
  evaluations,
  noPasses,
  type Passes,
  rolloutPasses,
  timesPasses,
} from './passes';
import { writePlots } from './plot';
import { sheetOf } from './sheet';
import type { Sizes } from './sizes';

const formulas: Record<string, Reward> = {
  symmetry,
  brightness,
  darkness: combine([{ reward: brightness, weight: -1 }]),
  compressibility,
  incompressibility,
};
const learned = ['picks', 'flags', 'alignment'] as const;
const rewardNames = [...Object.keys(formulas), ...learned];

/** A hinge that is never reached: rewards here have no common scale on which to stop. */
const beyond = 1000;

interface Contender {
  method: RewardGradientMethod;
  /** What its plan is on average, by chance of its draws. */
  average: { executed: number; trained: number };
}

function contenders({ rewards: { truncation } }: Sizes): Record<string, Contender> {
  const { steps } = studentSettings;
  const truncated = (k: number) => ({
    method: draft({ truncation: k }),
    average: { executed: steps, trained: k },
  });
  return {
    DRTune: {
      method: drTune({ trainedSteps: 3, earlyStop: 2 }),
      average: { executed: steps - 0.5, trained: 3 },
    },
    'DRaFT-1': truncated(1),
    [`DRaFT-${truncation}`]: truncated(truncation),
    AlignProp: {
      method: alignProp({ meanShare: 0.84, deviationShare: 0.1, scale: 1, target: 0 }),
      average: { executed: steps, trained: 2.1 },
    },
    ReFL: {
      method: refl({ scale: 1, target: beyond, lateShare: 0.25 }),
      average: { executed: steps - 1, trained: 1 },
    },
  };
}

/** Optimizer steps that fit into the budget of UNet evaluations on average; an even number, to measure half-way. */
function stepsOf({ rewards: { budget, images } }: Sizes, { method, average }: Contender): number {
  const trained = { executed: average.executed, trained: { length: average.trained } as number[] };
  const each = evaluations(rolloutPasses(method, trained, images, studentSettings.guidance));
  return Math.max(2, 2 * Math.round(budget / each / 2));
}

interface RewardUnit {
  method: string;
  reward: string;
  seed: number;
  effort: Effort;
  /** Half-way and at the end: scores on the evaluation images, and what training took. */
  reached: { step: number; seconds: number; passes: Passes; scores: number[]; diversity: number }[];
  images: KeptImages;
}

interface MemoryUnit {
  method: string;
  k: number;
  effort: Effort;
}

export interface RewardsResult {
  base: { effort: Effort; scores: Record<string, number[]>; images: KeptImages };
  units: RewardUnit[];
  memory: MemoryUnit[];
}

const sheetImages = 10;

async function openNamed(name: string, heads: SharedHeads['heads'], desk: Desk): Promise<Reward> {
  const found = formulas[name];
  return found ?? openHead(heads[name as keyof SharedHeads['heads']], desk);
}

async function run(bench: Bench): Promise<RewardsResult> {
  const { store, sizes, seeds, log } = bench;
  const { images, learningRate, evaluationImages, count } = sizes.rewards;
  const { heads } = await sharedHeads(bench);
  const names = rewardNames.slice(0, count);
  const base = await store.unit('base', async () => {
    const { result, effort } = await atDesk(bench, async (desk) => {
      const drawn = (await evaluate(desk, undefined, evaluationImages)).images;
      const scores: Record<string, number[]> = {};
      for (const name of names) {
        const reward = await openNamed(name, heads, desk);
        scores[name] = [...(await scoresOf(desk.engine, reward, drawn))];
      }
      return { scores, images: keepImages(drawn, sheetImages) };
    });
    return { ...result, effort };
  });
  const units: RewardUnit[] = [];
  for (const seed of seeds) {
    for (const name of names) {
      for (const [method, contender] of Object.entries(contenders(sizes))) {
        const unit = await store.unit(`${name}-${method}-${seed}`, async () => {
          const steps = stepsOf(sizes, contender);
          const { result, effort } = await atDesk(bench, async (desk) => {
            const reward = await openNamed(name, heads, desk);
            const plan = { images, learningRate };
            const stepper = await openRollouts(desk, contender.method, reward, plan, [name, seed]);
            const evaluateAt = [steps / 2, steps];
            return trainAlong(desk, stepper, reward, { steps, evaluateAt, evaluationImages });
          });
          const reached = result.run.reached.map(({ evaluation, ...rest }) => ({
            ...rest,
            scores: evaluation.reward,
            diversity: evaluation.diversity,
          }));
          const kept = keepImages(result.images, sheetImages);
          return { method, reward: name, seed, effort, reached, images: kept };
        });
        units.push(unit);
        log(
          `rewards: seed ${seed}, ${name}, ${method}: ${gainOf(unit, base.scores).toFixed(2)} deviations (${unit.effort.seconds.toFixed(0)} s)`,
        );
      }
    }
  }
  return { base, units, memory: await measureMemory(bench) };
}

/** One step of each method at each K, each in an engine of its own: the engine's peak is the step's. */
async function measureMemory(bench: Bench): Promise<MemoryUnit[]> {
  const { store, sizes, log } = bench;
  const found: MemoryUnit[] = [];
  const { learningRate } = sizes.rewards;
  for (const k of sizes.rewards.memory) {
    const methods = {
      'DRaFT-K': draft({ truncation: k }),
      DRTune: drTune({ trainedSteps: k, earlyStop: 1 }),
    };
    for (const [name, method] of Object.entries(methods)) {
      const unit = await store.unit(`memory-${name}-${k}`, async () => {
        const { effort } = await atDesk(bench, async (desk) => {
          const plan = { images: memoryImages, learningRate };
          const stepper = await openRollouts(desk, method, symmetry, plan, ['memory']);
          await stepper.step(0);
        });
        return { method: name, k, effort };
      });
      found.push(unit);
      log(`rewards: memory of ${name}, K ${k}: ${mebibytes(unit.effort).toFixed(0)} MiB`);
    }
  }
  return found;
}

const memoryImages = 16;
const mebibytes = ({ peakBytes }: Effort) => peakBytes / 2 ** 20;

function planned({ sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>): Passes {
  const { images, evaluationImages, count, memory } = sizes.rewards;
  const { steps, guidance } = studentSettings;
  const evaluation = drawingPasses(evaluationImages, steps, guidance);
  const each = Object.values(contenders(sizes)).map((contender) => {
    const { method, average } = contender;
    const chosen = { executed: average.executed, trained: { length: average.trained } as number[] };
    const step = rolloutPasses(method, chosen, images, guidance);
    return addPasses(timesPasses(step, stepsOf(sizes, contender)), timesPasses(evaluation, 2));
  });
  const remembered = memory.map((k) => {
    const chosen = { executed: steps, trained: { length: k } as number[] };
    return timesPasses(rolloutPasses({}, chosen, memoryImages, guidance), 2);
  });
  return addPasses(
    evaluation,
    ...remembered,
    timesPasses(addPasses(...each), seeds.length * Math.min(count, rewardNames.length)),
  );
}

/** Mean gain over the base on the same prompts and seeds, in standard deviations of the base's images. */
function gainOf({ reward, reached }: RewardUnit, base: Record<string, number[]>, at = -1): number {
  const before = base[reward] as number[];
  const mean = meanOf(before);
  const deviation = Math.sqrt(meanOf(before.map((score) => (score - mean) ** 2)));
  return (meanOf(reached.at(at)?.scores ?? before) - mean) / deviation;
}

function tell(
  { base, units, memory }: RewardsResult,
  { sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>,
): Told {
  const { budget, images, learningRate, evaluationImages, truncation } = sizes.rewards;
  const methods = Object.keys(contenders(sizes));
  const names = rewardNames.filter((name) => units.some(({ reward }) => reward === name));
  const of = (reward: string, method: string) =>
    units.filter((unit) => unit.reward === reward && unit.method === method);
  const gain = (unit: RewardUnit) => gainOf(unit, base.scores);
  const end = (unit: RewardUnit) => unit.reached.at(-1) as RewardUnit['reached'][number];
  const text = (read: (unit: RewardUnit) => number) =>
    names.map((name) => [
      name,
      ...methods.map((method) => seedsText(of(name, method).map(read), 2)),
    ]);
  const plots = names.map((name) => ({
    title: name,
    x: 'UNet evaluations',
    y: 'gain, deviations of the base',
    series: methods.map((method) => {
      const own = of(name, method);
      const reached = [0, 1].map((at) =>
        seedsPoint(
          meanOf(own.map((unit) => evaluations(unit.reached[at]?.passes ?? noPasses))),
          own.map((unit) => gainOf(unit, base.scores, at)),
        ),
      );
      return { name: method, points: [{ x: 0, y: 0 }, ...reached] };
    }),
  }));
  const kinds = [...new Set(memory.map(({ method }) => method))];
  const ks = [...new Set(memory.map(({ k }) => k))];
  const memoryPlot = {
    title: `Peak memory of one step of ${memoryImages} images`,
    x: 'K, steps differentiated',
    y: 'MiB',
    span: [0, 1] as const,
    series: kinds.map((name) => ({
      name,
      points: memory
        .filter(({ method }) => method === name)
        .map((unit) => ({ x: unit.k, y: mebibytes(unit.effort) })),
    })),
  };
  const peaks = kinds.map((name) => [
    name,
    ...ks.map((k) =>
      memory
        .filter((unit) => unit.method === name && unit.k === k)
        .map(({ effort }) => mebibytes(effort).toFixed(0))
        .join(),
    ),
  ]);
  const head = ['reward', ...methods];
  const firstSeed = units.filter(({ seed }) => seed === seeds[0]);
  const sheetRows = methods.flatMap((method) =>
    firstSeed.filter((unit) => unit.method === method && unit.reward === names[0]),
  );
  const told = `Every run may take about ${budget} UNet evaluations to train, in steps of ${images} images at learning rate ${learningRate} (AdamW, for which the
reward's scale is none of its business); DRTune has K 3 and early stop 2, DRaFT-K has K ${truncation}, AlignProp's truncation is drawn around
84 % of the steps, ReFL trains one of the last quarter and its hinge is never reached. What is reached is measured on ${evaluationImages} images
of the evaluation prompts, half-way and at the end, as the mean gain over the base in standard deviations of the base's
images, so that rewards can be laid side by side. \`picks\`, \`flags\` and \`alignment\` are learned from ${sizes.judgements} judgements each.

Gain at the end of the budget:

${table(head, text(gain))}

Gain per minute of training:

${table(
  head,
  text((unit) => (60 * gain(unit)) / end(unit).seconds),
)}

Gain per thousand UNet evaluations:

${table(
  head,
  text((unit) => (1000 * gain(unit)) / evaluations(end(unit).passes)),
)}

![Gain over UNet evaluations for every reward](methods/rewards.svg)

Peak resident memory of the engine, MiB, a fresh one for each K; each method brings its gradient back one UNet at a time:

${table(['K', ...ks.map(String)], peaks)}

![Peak memory against K](methods/memory.svg)

${names[0]} at the end, the same prompts and seeds; from above: base, ${sheetRows.map(({ method }) => method).join(', ')}.

![Images of the base and of every method](methods/rewards.png)`;
  return {
    text: told,
    files: {
      'rewards.svg': writePlots(plots, 2),
      'memory.svg': writePlots([memoryPlot]),
      'rewards.png': sheetOf([base.images, ...sheetRows.map((unit) => unit.images)].map(pixelsOf)),
    },
  };
}

export const rewards: Figure<RewardsResult> = {
  title: 'Reward-gradient methods on many rewards',
  planned,
  run,
  tell,
};
