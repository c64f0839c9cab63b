/**
 * @file The report of `npm run reproduce`: tables with intervals, a plot per experiment, all from
 * the raw results.
 */
import { wilsonInterval, winRate } from '@/lib/statistics/proportion';
import { intervalText, percent } from '../text';
import type { Experiment } from './catalogue';
import { mistakes } from './collect';
import { compareAlignment, type Measured } from './measure';
import type { ExperimentResult } from './run';

export interface Report {
  quick: boolean;
  /** Of the rectified-flow twin of `hands`. */
  flow?: boolean;
  machine: string;
  writtenAt: string;
  evaluationImages: number;
  results: ExperimentResult[];
}

/** A rate with its 95 % interval and count. */
function rate(count: number, n: number): string {
  const interval = wilsonInterval({ count, n });
  return interval
    ? `${percent(count / n)} (${percent(interval.low)} – ${percent(interval.high)}, ${count} of ${n})`
    : 'none';
}

function row(
  label: string,
  judgements: number,
  measured: Measured,
  base: Measured,
  good: Experiment['good'],
): string {
  const wins = compareAlignment(measured, base);
  const interval = winRate(wins);
  const win = measured === base || !interval ? '–' : intervalText(interval);
  const decided = measured === base ? '–' : rate(wins.wins, wins.n - wins.ties);
  return `| ${label} | ${judgements} | ${rate(measured.deformed, measured.images)} | ${rate(measured.blood, measured.images)} | ${measured.alignment.toFixed(3)} | ${win} | ${decided} | ${percent(measured.diversity / base.diversity)} | ${percent(measured.diversityAmong[good] / base.diversityAmong[good])} |`;
}

function describeTraining(
  { source, training: s, decay = 1 }: Experiment,
  { flow }: Report,
): string {
  const together = source.kind === 'groups' ? `groups of ${source.size}` : 'pairs';
  return `${s.steps} ${flow ? `flow-matching steps at noise level ${s.eta}` : `DDIM steps, eta ${s.eta}`}, guidance ${s.guidance}; LoRA rank ${s.rank} on ${s.targets}; β ${s.beta}, clip ${s.clipRange}, learning rate ${s.learningRate}${decay === 1 ? '' : `, times ${decay} every round`}, AdamW ε ${s.adamW.epsilon} and second moment of the ${s.secondMoment === 'runs' ? "step's runs" : 'step'}, ${s.perStep} ${together} a step, ${s.epochs} ${s.epochs === 1 ? 'pass' : 'passes'}, ${percent(s.timestepFraction)} of the noisiest ${percent(s.noisiestShare)} of the timesteps of each; reference policy: the round's.`;
}

/** Markdown of the whole report. */
export function writeReport(report: Report, experiments: Record<string, Experiment>): string {
  const sections = report.results.map((result) => {
    const experiment = experiments[result.name]!;
    const lines = [
      `## ${experiment.title}`,
      '',
      `Mark: ${experiment.mark}.`,
      '',
      describeTraining(experiment, report),
      '',
      `| policy | judgements | deformed | blood | alignment | win rate | of decided | diversity of base | of base, ${experiment.good} |`,
      '|---|---|---|---|---|---|---|---|---|',
      row('base', 0, result.base, result.base, experiment.good),
      ...result.rounds.map((round) =>
        row(`round ${round.round}`, round.judgements, round.measured, result.base, experiment.good),
      ),
      '',
      '| round | preferences | optimizer steps | loss | implicit accuracy | ln ratio winner | ln ratio loser | clip fraction | KL | minutes |',
      '|---|---|---|---|---|---|---|---|---|---|',
      ...result.rounds.map(
        (r) =>
          `| ${r.round} | ${r.preferences} | ${r.trainedSteps} | ${r.loss.toFixed(4)} | ${r.implicitAccuracy.toFixed(3)} | ${r.logRatioWinner.toExponential(2)} | ${r.logRatioLoser.toExponential(2)} | ${r.clipFraction.toFixed(3)} | ${r.kl.toExponential(2)} | ${(r.seconds / 60).toFixed(1)} |`,
      ),
      '',
      `![${experiment.title} over rounds](${result.name}.svg)`,
    ];
    return lines.join('\n');
  });
  const minutes = report.results
    .flatMap(({ rounds }) => rounds)
    .reduce((sum, { seconds }) => sum + seconds / 60, 0);
  const name = report.quick ? 'reproduce-quick' : 'reproduce';
  const chosen = report.results.map((result) => ` --only ${result.name}`).join('');
  const command = `npm run reproduce --${report.flow ? ' --flow' : ''}${report.quick ? ' --quick' : ''}${chosen}`;
  return `# D3PO on ${report.flow ? 'the rectified-flow twin of hands' : 'hands'}, with simulated annotators

Made by \`${command}\` on ${report.machine}, written ${report.writtenAt}; drawing, judging, training
and measuring took ${minutes.toFixed(0)} minutes. Raw data: \`${name}.json\`.

Annotators are judge B with ${percent(mistakes)} random mistakes; judge A, trained apart on other data with another structure,
measures. Rates are over images of prompts and seeds that training never sees (${report.evaluationImages} of
the base and of each last round, fewer in between), with 95 % Wilson intervals and counts. The win
rate compares images of the same prompt and seed by prompt attributes met: with ties counting half, and of those that
differ at all.

Diversity is the mean LPIPS over all pairs of images of one prompt (stages of judge A as its network), as a share of
the base's. Where images with a defect differ from those without, a policy that merely stops drawing the defect is less
diverse, however lively its hands; the last column therefore compares only images that are formed, bloodless or aligned
with those of the base that are.

The second table of each experiment is taken before each optimizer step: in a round of one step the policy is still its
reference, so its log-ratios and its KL are rounding errors. What the step did stands in the first table.

${sections.join('\n\n')}
`;
}

interface Series {
  name: string;
  colour: string;
  count: (measured: Measured) => number;
}

const series: Series[] = [
  { name: 'deformed', colour: '#c2410c', count: ({ deformed }) => deformed },
  { name: 'blood', colour: '#be123c', count: ({ blood }) => blood },
  {
    name: 'all as asked',
    colour: '#15803d',
    count: ({ perImage }) => perImage.filter(({ alignment }) => alignment === 1).length,
  },
];

/** Lines of rates over judgements with intervals, as SVG. */
export function plot(result: ExperimentResult): string {
  const points = [{ judgements: 0, measured: result.base }, ...result.rounds];
  const [width, height, left, bottom] = [560, 260, 48, 36];
  const most = Math.max(1, ...points.map((point) => point.judgements));
  const x = (judgements: number) => left + ((width - left - 12) * judgements) / most;
  const y = (share: number) => 12 + (height - bottom - 12) * (1 - share);
  const lines = series.map(({ name, colour, count }, i) => {
    const line = points
      .map(({ judgements, measured }) => {
        const share = count(measured) / measured.images;
        return `${x(judgements).toFixed(1)},${y(share).toFixed(1)}`;
      })
      .join(' ');
    const bars = points.map(({ judgements, measured }) => {
      const interval = wilsonInterval({ count: count(measured), n: measured.images });
      if (!interval) return '';
      const at = x(judgements).toFixed(1);
      return `<line x1="${at}" x2="${at}" y1="${y(interval.low).toFixed(1)}" y2="${y(interval.high).toFixed(1)}" stroke="${colour}"/>`;
    });
    const label = `<text x="${width - 100}" y="${24 + 16 * i}" fill="${colour}">${name}</text>`;
    return `<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="2"/>${bars.join('')}${label}`;
  });
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<line x1="${left}" x2="${width - 12}" y1="${y(share)}" y2="${y(share)}" stroke="#8884"/><text x="4" y="${y(share) + 4}">${100 * share} %</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#777">
${grid.join('\n')}
${lines.join('\n')}
<text x="${left}" y="${height - 10}">0 judgements</text><text x="${width - 48}" y="${height - 10}">${most}</text>
</svg>
`;
}
