/**
 * @file `npm run bench -- --sd15`: Stable Diffusion's own UNet (860 M weights), drawing and
 * training, on its own or beside another commit's build.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { worstRelativeError } from '@/tests/support/golden';
import { median } from '../measure';
import type { PassName } from './marks';
import { measurePass, type PassReport } from './measure';
import { besides } from './side';
import { unetFolder } from './weights';

export interface Sd15Options {
  /** Side of the square latents. */
  latents: number;
  /** Runs after the first, of each turn. */
  runs: number;
  unet?: string;
  /** A commit to compare with. */
  against?: string;
  /** Gigabytes that a step may take at its peak. */
  budget?: number;
  /** How often each is started. */
  turns: number;
}

/** A pass of a build: each turn's report, without its numbers, and what they are compared with. */
export interface Sd15Pass {
  build: string;
  pass: PassName;
  /** Relative to the largest: from what ONNX Runtime computes when it rewrites nothing. */
  worstError?: number;
  turns: Omit<PassReport, 'numbers' | 'plain'>[];
}

export interface Sd15Report {
  latents: number;
  passes: Sd15Pass[];
  /** Of gradients and outputs between the two builds, relative to the largest. */
  difference: Partial<Record<PassName, number>>;
}

/** The builds take turns, process by process: what slows the machine for a while slows both. */
export async function measureSd15(root: string, options: Sd15Options): Promise<Sd15Report> {
  const { latents, runs, against, budget } = options;
  const budgetBytes = budget && budget * 1e9;
  const unet = await unetFolder(options.unet);
  const work = mkdtempSync(join(tmpdir(), 'darkroom-bench-'));
  const other = against ? besides(root, against, join(work, 'build')) : undefined;
  const builds = [{ build: 'this build', folder: root, home: join(work, 'own') }];
  if (other && against) {
    builds.push({ build: against, folder: other.folder, home: join(work, 'other') });
  }
  const report: Sd15Report = { latents, passes: [], difference: {} };
  try {
    for (const pass of ['forward', 'step'] as const) {
      const found = builds.map(({ build }): Sd15Pass => ({ build, pass, turns: [] }));
      const last: number[][] = [];
      for (let turn = 0; turn < options.turns; turn++) {
        for (const [i, { folder, home }] of builds.entries()) {
          const plain = i === 0 && turn === 0;
          const measured = await measurePass(
            { folder, home },
            { pass, unet, latents, runs, plain, budgetBytes },
          );
          const { numbers, plain: expected, ...rest } = measured;
          found[i]!.turns.push(rest);
          last[i] = numbers;
          if (expected && isTelling(expected)) {
            found[i]!.worstError = worstRelativeError(numbers, expected);
          }
        }
      }
      report.passes.push(...found);
      if (last[1] && isTelling(last[1]))
        report.difference[pass] = worstRelativeError(last[0]!, last[1]);
    }
  } finally {
    other?.close();
    rmSync(work, { recursive: true, force: true });
  }
  return report;
}

/** Zeros, or one number per channel, would agree whatever happened on the way. */
function isTelling(numbers: readonly number[]): boolean {
  return new Set(numbers).size > numbers.length / 2;
}

/** What a pass came to: medians of its turns, the first start apart. */
function figuresOf({ turns }: Sd15Pass) {
  const of = (read: (turn: Sd15Pass['turns'][number]) => number) => median(turns.map(read));
  const [first, ...later] = turns;
  return {
    'first start, s': first!.firstSeconds,
    'later starts, s': median(later.map(({ firstSeconds }) => firstSeconds)),
    'first start, CPU s': first!.firstCpuSeconds,
    'later starts, CPU s': median(later.map(({ firstCpuSeconds }) => firstCpuSeconds)),
    'a run, s': median(turns.flatMap(({ runSeconds }) => runSeconds)),
    'a run, CPU s': of(({ runCpuSeconds }) => runCpuSeconds),
    // The first start prepares what later ones map.
    'first peak private, MiB': first!.privateMib,
    'first peak together, MiB': first!.totalMib,
    'later peak private, MiB': Math.max(...later.map(({ privateMib }) => privateMib)),
    'later peak shared, MiB': Math.max(...later.map(({ sharedMib }) => sharedMib)),
    'later peak together, MiB': Math.max(...later.map(({ totalMib }) => totalMib)),
    'resting, proportional MiB': of(({ resting }) => resting.proportionalMib),
  };
}

export function sd15Text({ latents, passes, difference }: Sd15Report): string {
  const lines: string[] = [];
  for (const name of ['forward', 'step'] as const) {
    const found = passes.filter(({ pass }) => pass === name);
    const figures = found.map(figuresOf);
    const what = name === 'forward' ? 'forward' : 'forward + backward, LoRA rank 4 on attention';
    lines.push('', `${what}, ${latents}×${latents} latents, batch 1`);
    const heads = found.map(({ build }) => build.slice(0, 14).padStart(15)).join('');
    lines.push(`${''.padEnd(28)}${heads}${figures[1] ? '     ratio' : ''}`);
    for (const key of Object.keys(figures[0]!) as (keyof (typeof figures)[0])[]) {
      const values = figures.map((figure) => figure[key]);
      if (values.some((value) => !Number.isFinite(value))) continue;
      const told = values.map((value) => value.toFixed(key.endsWith('MiB') ? 0 : 2).padStart(15));
      const ratio = values[1] === undefined ? '' : (values[0]! / values[1]).toFixed(3).padStart(10);
      lines.push(`${key.padEnd(28)}${told.join('')}${ratio}`);
    }
    const [own] = found;
    const [turn] = own!.turns;
    const gflop = Object.values(turn!.work).reduce((sum, kind) => sum + kind.gflop, 0);
    const rate = gflop / figures[0]!['a run, s'];
    lines.push(
      `${gflop.toFixed(0)} GFLOP, ${((100 * rate) / turn!.matrixGflops).toFixed(0)} % of ${turn!.matrixGflops.toFixed(0)} GFLOP/s of a matrix product`,
      kindsText(turn!.work),
    );
    const { privateMib, togetherMib } = turn!.predicted;
    const off = (100 * (figures[0]!['later peak private, MiB'] / privateMib - 1)).toFixed(0);
    lines.push(
      `counted: ${privateMib.toFixed(0)} MiB private, ${togetherMib.toFixed(0)} with each weight once; later starts took ${off} % more`,
    );
    lines.push(
      own!.worstError === undefined
        ? 'not compared with the plain graph: what comes out of these weights is the same for any input'
        : `worst difference from the plain graph: ${own!.worstError.toExponential(1)}`,
    );
    const between = difference[name];
    if (between !== undefined) {
      lines.push(`worst difference between the builds: ${between.toExponential(1)}`);
    }
  }
  return lines.join('\n');
}

function kindsText(work: Sd15Pass['turns'][number]['work']): string {
  const kinds = Object.entries(work).sort(([, a], [, b]) => b.gflop - a.gflop || b.nodes - a.nodes);
  return kinds
    .slice(0, 10)
    .map(([op, { nodes, gflop }]) =>
      gflop > 0 ? `${nodes} ${op} (${gflop.toFixed(0)} GFLOP)` : `${nodes} ${op}`,
    )
    .join(', ');
}
