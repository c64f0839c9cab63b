import { evaluationsOf } from '@/db/rounds/metrics';
import type { Round } from '@/db/schema/rounds';
import type { EvaluationSummary } from '@/lib/metrics';
import { type Interval, wilsonInterval, winRate } from '@/lib/statistics/proportion';
import { dim, duration, line } from '@/scripts/console';
import type { Stopwatch } from './stopwatch';

const percent = (share: number) => (share * 100).toFixed(1);

/** `28.1 % [19.9, 38.0]`, or a dash where nothing was counted. */
function rate(interval: Interval | null): string {
  if (!interval) return '–';
  return `${percent(interval.rate)} % [${percent(interval.low)}, ${percent(interval.high)}]`;
}

function describe({ images, defects, alignment, winRate: wins }: EvaluationSummary): string {
  const parts = [
    ...Object.entries(defects).map(([id, of]) => `${id} ${rate(wilsonInterval(of))}`),
    ...(alignment === null ? [] : [`prompt ${percent(alignment)} %`]),
    ...(wins === null ? [] : [`wins ${rate(winRate(wins))}`]),
  ];
  return `${parts.join(', ')} ${dim(`of ${images} images`)}`;
}

async function latestSummary(policyId: string | null): Promise<EvaluationSummary | undefined> {
  if (policyId === null) return undefined;
  const [latest] = await evaluationsOf({ policyId });
  return latest?.summary;
}

/** A finished round: what was measured before and after it, on the same prompts and seeds. */
export async function reportRound(round: Round): Promise<void> {
  const name = `round ${round.ordinal}`;
  if (round.state === 'failed') {
    line('✗', name, round.error ?? 'failed without saying why');
    return;
  }
  const before = await latestSummary(round.startPolicyId);
  const after = await latestSummary(round.resultPolicyId);
  if (before) line('·', 'before', describe(before));
  line('✓', name, after ? describe(after) : 'done, not evaluated');
}

/** Picks a second and the latency of every route. */
export function reportTraffic(picks: number, milliseconds: number, stopwatch: Stopwatch): void {
  const speed = (picks / (milliseconds / 1000)).toFixed(1);
  console.log(`\n  ${picks} picks in ${duration(milliseconds)}, ${speed} a second\n`);
  console.log(
    dim(
      `  ${'request'.padEnd(18)}${'count'.padStart(8)}${'p50'.padStart(12)}${'p95'.padStart(12)}`,
    ),
  );
  for (const { name, count, p50, p95 } of stopwatch.report()) {
    const cells = [String(count), `${p50.toFixed(1)} ms`, `${p95.toFixed(1)} ms`];
    const [counted, ...times] = cells as [string, string, string];
    console.log(
      `  ${name.padEnd(18)}${counted.padStart(8)}${times.map((cell) => cell.padStart(12)).join('')}`,
    );
  }
}
