/** @file The report of `npm run reproduce`: tables with intervals, a plot per experiment, all from the raw results. */
import { wilsonInterval, winRate } from '@/lib/statistics/proportion';
import { mistakes } from './annotators';
import type { Experiment } from './experiments';
import { compareAlignment, type Measured } from './measure';
import type { ExperimentResult } from './run';

export interface Report {
  quick: boolean;
  machine: string;
  endedAt: string;
  evaluationImages: number;
  results: ExperimentResult[];
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

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
  const win =
    measured === base || !interval
      ? '–'
      : `${percent(interval.rate)} (${percent(interval.low)} – ${percent(interval.high)})`;
  return `| ${label} | ${judgements} | ${rate(measured.deformed, measured.images)} | ${rate(measured.blood, measured.images)} | ${measured.alignment.toFixed(3)} | ${win} | ${percent(measured.diversity / base.diversity)} | ${percent(measured.diversityAmong[good] / base.diversityAmong[good])} |`;
}

function describeTraining({ source, training: s }: Experiment): string {
  const together = source.kind === 'groups' ? `groups of ${source.size}` : 'pairs';
  return `${s.steps} DDIM steps, eta ${s.eta}, guidance ${s.guidance}; LoRA rank ${s.rank} on ${s.targets}; β ${s.beta}, clip ${s.clipRange}, learning rate ${s.learningRate}, ${s.perStep} ${together} a step, ${s.epochs} ${s.epochs === 1 ? 'pass' : 'passes'}, ${percent(s.timestepFraction)} of the noisiest ${percent(s.noisiestShare)} of the timesteps of each; reference policy: the round's.`;
}

/** Markdown of the whole report. */
export function writeReport(report: Report, experiments: Record<string, Experiment>): string {
  const sections = report.results.map((result) => {
    const experiment = experiments[result.name] as Experiment;
    const lines = [
      `## ${experiment.title}`,
      '',
      `Mark: ${experiment.mark}.`,
      '',
      describeTraining(experiment),
      '',
      `| policy | judgements | deformed | blood | alignment | win rate | diversity of base | of base, ${experiment.good} |`,
      '|---|---|---|---|---|---|---|---|',
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
  return `# D3PO on hands, with simulated annotators

Made by \`npm run reproduce${report.quick ? ' -- --quick' : ''}\` on ${report.machine}, ended ${report.endedAt}; drawing, judging, training
and measuring took ${minutes.toFixed(0)} minutes. Raw data: \`${name}.json\`.

Annotators are judge B with ${percent(mistakes)} random mistakes; judge A, trained apart on other data with another structure,
measures. Rates are over images of prompts and seeds that training never sees (${report.evaluationImages} of
the base and of each last round, fewer in between), with 95 % Wilson intervals and counts. The win
rate compares images of the same prompt and seed by prompt attributes met, ties counting half.

Diversity is the mean LPIPS over all pairs of images of one prompt (stages of judge A as its network), as a share of
the base's. Where images with a defect differ from those without, a policy that merely stops drawing the defect is less
diverse, however lively its hands; the last column therefore compares only images that are formed, bloodless or aligned
with those of the base that are.

${sections.join('\n\n')}
`;
}

/** A line of rates over judgements with intervals, as SVG. */
export function plot(result: ExperimentResult): string {
  const points = [{ judgements: 0, measured: result.base }, ...result.rounds];
  const [width, height, left, bottom] = [560, 260, 48, 36];
  const most = Math.max(1, ...points.map((point) => point.judgements));
  const x = (judgements: number) => left + ((width - left - 12) * judgements) / most;
  const y = (share: number) => 12 + (height - bottom - 12) * (1 - share / 0.4);
  const series = (
    read: (measured: Measured) => number,
    colour: string,
    name: string,
    at: number,
  ) => {
    const line = points
      .map(
        (p) =>
          `${x(p.judgements).toFixed(1)},${y(read(p.measured) / p.measured.images).toFixed(1)}`,
      )
      .join(' ');
    const bars = points.map((p) => {
      const interval = wilsonInterval({ count: read(p.measured), n: p.measured.images });
      if (!interval) return '';
      return `<line x1="${x(p.judgements)}" x2="${x(p.judgements)}" y1="${y(interval.low)}" y2="${y(interval.high)}" stroke="${colour}"/>`;
    });
    return `<polyline points="${line}" fill="none" stroke="${colour}" stroke-width="2"/>${bars.join('')}<text x="${width - 110}" y="${at}" fill="${colour}">${name}</text>`;
  };
  const grid = [0, 0.1, 0.2, 0.3, 0.4].map(
    (share) =>
      `<line x1="${left}" x2="${width - 12}" y1="${y(share)}" y2="${y(share)}" stroke="#8884"/><text x="8" y="${y(share) + 4}">${percent(share)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12" fill="#777">
${grid.join('\n')}
${series((m) => m.deformed, '#c2410c', 'deformed', 24)}
${series((m) => m.blood, '#b91c1c', 'blood', 40)}
<text x="${left}" y="${height - 10}">0 judgements</text><text x="${width - 60}" y="${height - 10}">${most}</text>
</svg>
`;
}
