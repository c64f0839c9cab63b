/**
 * @file The report of the suite: settings and time, then each figure; the raw data without the
 * sheets' images.
 */
import type { Bench } from '../bench';
import { type Effort, studentSettings } from '../desk';
import { table } from '../figure';
import { addPasses, evaluations, type Passes } from '../picks/passes';

export interface FigureReport {
  name: string;
  title: string;
  planned: Passes;
  result: unknown;
  text: string;
}

export interface About {
  /** Of the report's files. */
  name: string;
  quick: boolean;
  command: string;
  machine: string;
  writtenAt: string;
  bench: Pick<Bench, 'sizes' | 'seeds'>;
}

export function writeReport(
  about: About,
  figures: readonly FigureReport[],
): { markdown: string; json: string } {
  const { name, command, machine, writtenAt, quick, bench } = about;
  const { steps, eta, guidance, rank, targets } = studentSettings;
  const spent = figures.map(({ result }) => effortsIn(result));
  const minutes = (efforts: readonly Effort[]) =>
    efforts.reduce((sum, { seconds }) => sum + seconds / 60, 0);
  const thousands = (passes: Passes) => (evaluations(passes) / 1000).toFixed(0);
  const rows = figures.map(({ name: figure, planned }, i) => {
    const efforts = spent[i]!;
    return [
      figure,
      String(efforts.length),
      thousands(planned),
      thousands(addPasses(...efforts.map(({ passes }) => passes))),
      minutes(efforts).toFixed(1),
    ];
  });
  const markdown = `# Methods on hands, compared

Made by \`${command}\` on ${machine}, written ${writtenAt}; the work took ${minutes(spent.flat()).toFixed(0)} minutes.
${quick ? 'This was the quick run, which only checks that everything runs: its numbers say nothing. ' : ''}Raw data: \`${name}.json\`.

## Settings

The built-in policy \`hands\`: ${steps} DDIM steps, eta ${eta}, guidance ${guidance}; LoRA of rank ${rank} on ${targets}; AdamW. All settings stand in
the raw data under \`sizes\`. ${bench.seeds.length} ${bench.seeds.length === 1 ? 'seed' : 'seeds'}; a seed decides the adapter's start, the prompts, the noise and the annotators' mistakes.
Intervals over seeds are 95 % t-intervals; those of rates are Wilson's.

Annotators, and the rewards learned from them, are judge B's eyes with 5 % mistakes. Judge A, trained apart on other data
with another structure, measures; nothing is trained on what it says. Prompts and seeds of evaluation are never trained on,
and are the same for all policies. Diversity is the mean LPIPS over all pairs of five images of one prompt, all prompts
alike; its network are the stages of judge A.

A UNet evaluation is one pass of the policy's UNet over one latent under one text: guidance makes two of each, a
vector-Jacobian product is one forward and one back. They are counted where sessions run and foretold from the plans
(without batches filled up; where a method draws its plan by chance, by its mean).

${table(['figure', 'units', 'evaluations planned, thousands', 'counted', 'minutes'], rows)}

${figures.map(({ title, text }) => `## ${title}\n\n${text}`).join('\n\n')}
`;
  const data = Object.fromEntries(figures.map(({ name, result }) => [name, result]));
  const json = JSON.stringify(
    { ...about, bench: undefined, ...bench, student: studentSettings, ...data },
    leaveOutImages,
  );
  return { markdown, json: `${json}\n` };
}

/** Efforts anywhere in a result: each unit has one. */
function effortsIn(value: unknown): Effort[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'effort' ? [inner as Effort] : effortsIn(inner),
  );
}

function leaveOutImages(key: string, value: unknown): unknown {
  if (key === 'images' && Array.isArray(value)) return undefined;
  return value;
}
