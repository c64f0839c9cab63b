import type { TrainMetrics } from '@/lib/metrics';

export type Axis = 'step' | 'timestep';

export const axisNames: Record<Axis, string> = { step: 'Step', timestep: 'Timestep' };

type NumberMetric = Exclude<keyof TrainMetrics, 'rewardParts'>;
/** A term of the reward, by its name. */
type PartKey = `part ${string}`;

/** One point of every curve; `x` is a step or a timestep. */
export type CurvePoint = Pick<TrainMetrics, NumberMetric> & { x: number } & {
  [part: PartKey]: number | undefined;
};

export function pointOf(x: number, { rewardParts = {}, ...numbers }: TrainMetrics): CurvePoint {
  const parts = Object.entries(rewardParts).map(([name, value]) => [`part ${name}`, value]);
  return { x, ...numbers, ...Object.fromEntries(parts) };
}

export interface CurveSpec {
  title: string;
  explanation: string;
  series: readonly { key: NumberMetric | PartKey; name: string; color: string }[];
  /** Both ends of the vertical axis, where they are known. */
  domain?: readonly [number, number];
  /**
   * Drawn only where one of these was logged, too: what else the method says tells what its loss
   * means.
   */
  beside?: readonly NumberMetric[];
  /** A value worth a thin line. */
  mark?: number;
}

/** Growth that shows in images: NormGuard (arXiv 2606.27771) saw 5 to 15 %. */
const normRatioMax = 1.05;

/** What the last step says against going on so; null where nothing. */
export function trainingAlarm({ normRatio = 1 }: Partial<TrainMetrics>): string | null {
  if (normRatio <= normRatioMax) return null;
  return `The policy’s prediction has grown to ${normRatio.toFixed(2)} times its reference’s: images may come out overdrawn. Fewer steps, a larger beta or the hinge on the norm hold it.`;
}

const all: readonly CurveSpec[] = [
  {
    title: 'Reward',
    explanation: 'Mean over the images of a step, before it is taken.',
    series: [{ key: 'reward', name: 'Reward', color: 'var(--chart-3)' }],
  },
  {
    title: 'Spread of the reward',
    explanation: 'Standard deviation over the images of a draw: what there is to learn from.',
    series: [{ key: 'rewardSpread', name: 'Spread', color: 'var(--chart-3)' }],
  },
  {
    title: 'Error of the value network',
    explanation: 'Mean squared difference of the reward it expected from the one that came.',
    series: [{ key: 'valueLoss', name: 'Error', color: 'var(--chart-4)' }],
  },
  {
    title: 'Loss',
    explanation: 'What the steps bring down.',
    series: [{ key: 'loss', name: 'Loss', color: 'var(--chart-1)' }],
    beside: ['reward'],
  },
  {
    title: 'Loss',
    explanation:
      'ln 2 = 0.6931 where the policy tells winner from loser no better than its reference.',
    series: [{ key: 'loss', name: 'Loss', color: 'var(--chart-1)' }],
    beside: ['logRatioWinner', 'excessWinner'],
    mark: Math.LN2,
  },
  {
    title: 'Loss',
    explanation: 'One half, weighed, where the policy denoises neither good nor bad images better.',
    series: [{ key: 'loss', name: 'Loss', color: 'var(--chart-1)' }],
    beside: ['excessGood', 'excessBad'],
    mark: 0.5,
  },
  {
    title: 'Loss',
    explanation: 'What the steps bring down.',
    series: [{ key: 'loss', name: 'Loss', color: 'var(--chart-1)' }],
    beside: ['excessAbove', 'excessBelow', 'ratioWinner'],
  },
  {
    title: 'Implicit accuracy',
    explanation:
      'How often the policy, against its reference, says like the people. One half is chance.',
    series: [{ key: 'implicitAccuracy', name: 'Accuracy', color: 'var(--chart-1)' }],
    domain: [0, 1],
    mark: 0.5,
  },
  {
    title: 'Log-ratio to the reference',
    explanation: 'Above zero: more probable than before. Winners should rise, losers fall.',
    series: [
      { key: 'logRatioWinner', name: 'Winner', color: 'var(--chart-3)' },
      { key: 'logRatioLoser', name: 'Loser', color: 'var(--chart-4)' },
    ],
    mark: 0,
  },
  {
    title: 'Ratio to what was recorded',
    explanation:
      'Of the policy’s prediction, 1 at first. The winner’s rises and the loser’s falls as it moves from loser to winner.',
    series: [
      { key: 'ratioWinner', name: 'Winner', color: 'var(--chart-3)' },
      { key: 'ratioLoser', name: 'Loser', color: 'var(--chart-4)' },
    ],
    mark: 1,
  },
  {
    title: 'Error beyond the reference',
    explanation:
      'Of the predicted noise. Below zero: denoised better than before. Winners should fall, losers rise.',
    series: [
      { key: 'excessWinner', name: 'Winner', color: 'var(--chart-3)' },
      { key: 'excessLoser', name: 'Loser', color: 'var(--chart-4)' },
    ],
    beside: ['excessWinner'],
    mark: 0,
  },
  {
    title: 'Error beyond the reference',
    explanation:
      'Of the predicted noise. Below zero: denoised better than before. Good images should fall, bad ones rise.',
    series: [
      { key: 'excessGood', name: 'Good', color: 'var(--chart-3)' },
      { key: 'excessBad', name: 'Bad', color: 'var(--chart-4)' },
    ],
    beside: ['excessGood', 'excessBad'],
    mark: 0,
  },
  {
    title: 'Error beyond the reference',
    explanation:
      'Of the predicted noise. Below zero: denoised better than before. Images that won more than half of their comparisons should fall, the others rise.',
    series: [
      { key: 'excessAbove', name: 'Won more', color: 'var(--chart-3)' },
      { key: 'excessBelow', name: 'Won less', color: 'var(--chart-4)' },
    ],
    beside: ['excessAbove', 'excessBelow'],
    mark: 0,
  },
  {
    title: 'Ratio of norms',
    explanation: 'How large the policy’s prediction is beside its reference’s.',
    series: [{ key: 'normRatio', name: 'Ratio', color: 'var(--chart-2)' }],
    mark: 1,
  },
  {
    title: 'Baseline',
    explanation: 'How much better the policy denoises any image, which counts for nobody.',
    series: [{ key: 'baseline', name: 'Baseline', color: 'var(--chart-2)' }],
  },
  {
    title: 'Clip fraction',
    explanation:
      'Share of ratios outside the clip range. With the official clip these no longer move anything.',
    series: [{ key: 'clipFraction', name: 'Clipped', color: 'var(--chart-2)' }],
    domain: [0, 1],
  },
  {
    title: 'KL to the reference',
    explanation: 'How far the policy has moved from its reference.',
    series: [{ key: 'kl', name: 'KL', color: 'var(--chart-2)' }],
  },
  {
    title: 'Gradient norm',
    explanation: 'Length of the gradient before it is limited.',
    series: [{ key: 'gradNorm', name: 'Norm', color: 'var(--chart-2)' }],
  },
];

/**
 * What is drawn, in the order of a reader's questions: does it learn, which way, how far has it
 * gone. Only what the method has logged.
 */
export function curvesOf(points: readonly CurvePoint[]): CurveSpec[] {
  const logged = (key: NumberMetric | PartKey) => points.some((point) => point[key] !== undefined);
  const shown = all.filter(
    ({ series, beside }) =>
      series.some(({ key }) => logged(key)) && (!beside || beside.some(logged)),
  );
  const [reward, ...rest] = shown;
  const parts = partsOf(points);
  return parts.length > 0 && reward ? [reward, ...parts, ...rest] : shown;
}

/** A curve of each term, for terms have no common scale. */
function partsOf([first]: readonly CurvePoint[]): CurveSpec[] {
  const keys = Object.keys(first ?? {}).filter((key): key is PartKey => key.startsWith('part '));
  return keys.map((key) => {
    const title = key.slice('part '.length);
    return {
      title,
      explanation: 'A term of the reward, on its own scale.',
      series: [{ key, name: title, color: 'var(--chart-3)' }],
    };
  });
}
