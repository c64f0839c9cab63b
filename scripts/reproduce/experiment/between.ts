/**
 * @file How much of a trained policy to take: its adapter at part of its strength, the base in the
 * early steps of sampling (annealed importance guidance), and, as a ceiling, the world that drew
 * the training data, asked for the same prompts.
 */

import { annealingName } from '@/lib/drawings';
import { winRate } from '@/lib/statistics/proportion';
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { Annealing } from '@/trainer/diffusion/denoise/annealed-guidance';
import { tensor } from '@/trainer/graph/tensor';
import { Judge } from '@/trainer/hands/judge/judge';
import { parsePrompt } from '@/trainer/hands/prompts';
import { renderHand } from '@/trainer/hands/world/render';
import type { DefectRates } from '@/trainer/hands/world/scene';
import { intervalText, percent } from '../text';
import type { Experiment } from './catalogue';
import { compareAlignment, evaluationPrompt, type Measured, measure, summarize } from './measure';
import type { Student } from './student';

/** One way to draw the same prompts and seeds. */
export interface Point {
  name: string;
  measured: Measured;
}

const strengths = [0.25, 0.5, 0.75, 1];
const schedules: Annealing[] = [
  { schedule: 'step', exponent: 1, threshold: 0.1 },
  { schedule: 'step', exponent: 1, threshold: 0.2 },
  { schedule: 'power', exponent: 0.5, threshold: 0 },
  { schedule: 'linear', exponent: 1, threshold: 0 },
];
/** Renders for the ceiling start here; judges were trained and tested on other seeds. */
const firstWorldSeed = 2_000_000_000;

/** Measures every way with judge A; the base comes first. */
export async function measureBetween(
  student: Student,
  adapter: Adapter,
  images: number,
  log: (line: string) => void,
): Promise<Point[]> {
  const judge = await Judge.open(student.engine, 'a');
  const points: Point[] = [];
  const add = (name: string, measured: Measured) => {
    points.push({ name, measured });
    log(
      `${name}: alignment ${measured.alignment.toFixed(3)}, diversity ${measured.diversity.toFixed(3)}`,
    );
  };
  const base = await measure(student, judge, undefined, images);
  add('base', base);
  for (const strength of strengths) {
    add(`adapter × ${strength}`, await measure(student, judge, scaled(adapter, strength), images));
  }
  for (const annealing of schedules) {
    const measured = await measure(student, judge, adapter, images, { annealing });
    add(`annealed guidance ${annealingName(annealing)}`, measured);
  }
  const asOften = { deformed: base.deformed / images, blood: base.blood / images };
  add('the world, defects as often as in the base', await measureWorld(judge, images, asOften));
  add('the world, without defects', await measureWorld(judge, images, { deformed: 0, blood: 0 }));
  return points;
}

/** B·A scaled: all of it in B. */
function scaled(adapter: Adapter, strength: number): Adapter {
  return new Map(
    [...adapter].map(([name, value]) => [
      name,
      name.endsWith('lora_B.weight')
        ? tensor(
            'float32',
            value.dims,
            value.data.map((entry) => strength * entry),
          )
        : value,
    ]),
  );
}

/** Renders that show all that the evaluation prompts ask for; everything else is left to chance. */
async function measureWorld(judge: Judge, images: number, rates: DefectRates): Promise<Measured> {
  const renders = Array.from({ length: images }, (_, i) =>
    renderHand(firstWorldSeed + i, parsePrompt(evaluationPrompt(i)), rates),
  );
  return summarize(await judge.measure(renders.map(({ pixels }) => pixels)));
}

/** The raw data; prompts follow from the order of the images. */
export function rawBetween(points: readonly Point[]): string {
  return `${JSON.stringify(points, (key, value) => (key === 'prompt' ? undefined : value))}\n`;
}

/** Markdown of the table. */
export function writeBetween(
  name: string,
  points: readonly Point[],
  { title, good }: Experiment,
): string {
  const base = points[0]?.measured as Measured;
  const rows = points.map(({ name: way, measured }) => {
    const wins = compareAlignment(measured, base);
    const rate = winRate(wins);
    const decided = winRate({ wins: wins.wins, ties: 0, n: wins.n - wins.ties });
    const interval = (of: typeof rate) => (measured === base || !of ? '–' : intervalText(of));
    return `| ${way} | ${measured.alignment.toFixed(3)} | ${interval(rate)} | ${interval(decided)} | ${percent(measured.deformed / measured.images)} | ${percent(measured.blood / measured.images)} | ${percent(measured.diversity / base.diversity)} | ${percent(measured.diversityAmong[good] / base.diversityAmong[good])} |`;
  });
  return `# ${title}: between the base and the trained policy

Made by \`npm run reproduce -- --between --only ${name}\` from the last adapter of that experiment; raw data: \`between-${name}.json\`.
${base.images} images of prompts and seeds never trained on, measured as in [the experiment](reproduce.md): win rates against the base with
ties as a half, and of decided comparisons, both with 95 % Wilson intervals. Annealed guidance takes the base in the early steps
and the trained policy in the late ones. The world is the renderer that drew the training data: its images show all that a
prompt asks for and differ in everything else, as a policy that followed every prompt and lost nothing would.

| images from | alignment | win rate | of decided | deformed | blood | diversity of base | of base, ${good} |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}
`;
}
