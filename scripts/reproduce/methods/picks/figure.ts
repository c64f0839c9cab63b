/**
 * @file Figure `picks`: D3PO against a reward learned from the same picks and followed by DRaFT+.
 * Which pays when?
 */
import { trainedTimesteps } from '@/lib/settings/run-config';
import { Judge } from '@/trainer/hands/judge/judge';
import { draftPlus } from '@/trainer/methods/draft-plus';
import { randomOf } from '@/trainer/rounds/draw/random';
import { experiments } from '../../experiment/catalogue';
import { collect, type Judged } from '../../experiment/collect';
import { untrained } from '../../experiment/student';
import { train } from '../../experiment/train';
import { percent } from '../../text';
import type { Bench } from '../bench';
import { atDesk, type Desk, type Effort, studentSettings } from '../desk';
import { type Figure, keepImages } from '../figure';
import { defective, evaluate } from '../training/evaluation';
import { openRollouts, trainAlong } from '../training/follow';
import { featuresOf, fitReward, openHead, type Said } from './learned';
import { addPasses, drawingPasses, preferencePasses, rolloutPasses, timesPasses } from './passes';
import { type PicksResult, type PicksUnit, sides, tellPicks } from './report';

const sheetImages = 10;
const experiment = { ...experiments.picks, training: studentSettings };

/** A seed's picks, block by block, drawn by the base. */
function drawPicks(bench: Bench, seed: number): Promise<{ result: Judged[][]; effort: Effort }> {
  const { counts, block } = bench.sizes.picks;
  const most = counts.at(-1) as number;
  bench.log(`picks: drawing ${most} pairs of seed ${seed}`);
  return atDesk(bench, async (desk) => {
    const eyes = await Judge.open(desk.engine, 'b');
    const adapter = untrained(desk.student, randomOf('picks', seed, 'adapter').gaussian);
    const blocks: Judged[][] = [];
    for (let first = 0; first < most; first += block) {
      const label = ['picks', seed, first] as const;
      const sized = { ...experiment, perRound: block };
      blocks.push((await collect(desk.student, eyes, adapter, sized, label)).judged);
    }
    return blocks;
  });
}

async function followLearned(desk: Desk, bench: Bench, judged: readonly Judged[], seed: number) {
  const images = judged.flatMap((pair) => pair.images);
  const said: Said[] = judged.map(({ comparisons: [found] }, pair) => ({
    first: 2 * pair,
    second: 2 * pair + 1,
    label: Number(found?.winner === 0),
  }));
  const start = performance.now();
  const features = await featuresOf(desk, images);
  const prompts = images.map(({ prompt }) => prompt);
  const head = await fitReward(desk, 'picks', 'picks', features, prompts, said);
  const reward = await openHead(head, desk);
  const { truncation, klCoefficient, plan } = bench.sizes.picks;
  const method = draftPlus({
    truncation,
    kl: { coefficient: klCoefficient, form: 'noise' },
  });
  const label = ['picks', seed, 'follow'];
  const stepper = await openRollouts(desk, method, reward, plan, label);
  const opened = (performance.now() - start) / 1000;
  const trained = await trainAlong(desk, stepper, reward, { ...plan, evaluateAt: [] });
  await stepper.close();
  const training = trained.run.steps.at(-1)?.seconds ?? 0;
  return { adapter: trained.adapter, seconds: opened + training, heldOut: head.heldOut };
}

async function trainOnPicks(desk: Desk, judged: readonly Judged[], seed: number, picks: number) {
  const start = performance.now();
  const untouched = untrained(desk.student, randomOf('picks', seed, 'adapter').gaussian);
  const { adapter } = await train(desk.student, untouched, judged, 2, ['picks', seed, picks]);
  return { adapter, seconds: (performance.now() - start) / 1000, heldOut: undefined };
}

async function run(bench: Bench): Promise<PicksResult> {
  const { store, sizes, seeds, log } = bench;
  const { counts, block, plan } = sizes.picks;
  const base = await store.unit('base', async () => {
    const { result, effort } = await atDesk(bench, (desk) =>
      evaluate(desk, undefined, plan.evaluationImages),
    );
    return {
      effort,
      evaluation: result.evaluation,
      images: keepImages(result.images, sheetImages),
    };
  });
  const units: PicksUnit[] = [];
  const drawing: PicksResult['drawing'] = [];
  for (const seed of seeds) {
    // Trajectories are large: they stay in memory, and are drawn again where a stopped suite goes
    // on.
    let kept: ReturnType<typeof drawPicks> | undefined;
    const drawn = () => {
      kept ??= drawPicks(bench, seed);
      return kept;
    };
    drawing.push(
      await store.unit(`drawing-${seed}`, async () => ({ effort: (await drawn()).effort })),
    );
    for (const picks of counts) {
      for (const side of sides) {
        const name = `${side === 'D3PO' ? 'd3po' : 'draft-plus'}-${picks}-${seed}`;
        const unit = await store.unit(name, async (): Promise<PicksUnit> => {
          const { result: blocks } = await drawn();
          const judged = blocks.slice(0, picks / block).flat();
          const { result, effort } = await atDesk(bench, async (desk) => {
            const trained =
              side === 'D3PO'
                ? await trainOnPicks(desk, judged, seed, picks)
                : await followLearned(desk, bench, judged, seed);
            return {
              ...trained,
              ...(await evaluate(desk, trained.adapter, plan.evaluationImages)),
            };
          });
          return {
            side,
            seed,
            picks,
            decided: judged.length,
            ...(result.heldOut && { heldOut: result.heldOut }),
            trainingSeconds: result.seconds,
            effort,
            evaluation: result.evaluation,
            images: keepImages(result.images, sheetImages),
          };
        });
        units.push(unit);
        log(
          `picks: seed ${seed}, ${picks} picks, ${side}: defects ${percent(defective(unit.evaluation) / plan.evaluationImages)} (${unit.effort.seconds.toFixed(0)} s)`,
        );
      }
    }
  }
  return { base, drawing, units };
}

function planned({ sizes, seeds }: Pick<Bench, 'sizes' | 'seeds'>) {
  const { counts, truncation, klCoefficient, plan } = sizes.picks;
  const { steps, guidance, noisiestShare } = studentSettings;
  const evaluation = drawingPasses(plan.evaluationImages, steps, guidance);
  const trained = { executed: steps, trained: Array<number>(truncation).fill(0) };
  const kl = { coefficient: klCoefficient, form: 'noise' } as const;
  const follow = timesPasses(rolloutPasses({ kl }, trained, plan.images, guidance), plan.steps);
  const [, trainedSteps] = trainedTimesteps({
    training: { noisiestShare, timestepFraction: studentSettings.timestepFraction },
    sampling: { inferenceSteps: steps },
  });
  const each = addPasses(
    drawingPasses(2 * (counts.at(-1) as number), steps, guidance),
    ...counts.flatMap((picks) => [
      preferencePasses(picks, trainedSteps, guidance),
      follow,
      evaluation,
      evaluation,
    ]),
  );
  return addPasses(evaluation, timesPasses(each, seeds.length));
}

export const picks: Figure<PicksResult> = {
  title: 'D3PO against a reward learned from the same picks',
  planned,
  run,
  tell: tellPicks,
};
