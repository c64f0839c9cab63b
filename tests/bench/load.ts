/**
 * @file `npm run bench -- --load`: picks over HTTP by many annotators at once: an answer, the next
 * pair and its two images, against the production web server. On Linux the server is told to keep
 * to one core, and its CPU time is read from /proc.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { eq } from 'drizzle-orm';
import { db } from '@/db/client';
import { getRound } from '@/db/rounds/rounds';
import { samples } from '@/db/schema/labels';
import { change, immediate } from '@/db/transaction';
import { annotate } from '@/scripts/simulate/annotator';
import { Client } from '@/scripts/simulate/client';
import { Stopwatch } from '@/scripts/simulate/stopwatch';
import { withApp } from '../e2e/support/app';
import { invite, seedRound } from '../e2e/support/seed';
import { fillPairs } from '../support/fill-labels';

/** What was served to some annotators, each of whom looks at a pair for `thinkMs`. */
export interface Load {
  annotators: number;
  thinkMs: number;
  picksPerSecond: number;
  /**
   * CPU of the web process for a pick with all that belongs to it, ms; null where the system does
   * not tell.
   */
  cpuMsPerPick: number | null;
  /** Share of one core that the web process used; null as above. */
  cores: number | null;
  requests: { name: string; count: number; p50: number; p95: number }[];
}

const seconds = 20;
const warmUpMs = 4_000;
/** Pairs that are open: nobody may run out of them. */
const pairs = 8_000;
const drawnPairs = 100;

/**
 * As fast as it goes with eight and with fifty annotators, which is past what a core can do; then
 * 50 and 200 at a pick a second. Everybody joins from an address of their own, as behind a proxy,
 * since joining is limited by address.
 */
export async function measureLoad(): Promise<Load[]> {
  process.env.DARKROOM_TRUST_PROXY = '127.0.0.1';
  const loads: Load[] = [];
  for (const [annotators, thinkMs] of [
    [8, 0],
    [50, 0],
    [50, 1000],
    [200, 1000],
  ] as const) {
    await withApp(async ({ url, pid }) => {
      await seedPairs();
      // Filling takes longer than a connection is kept: it is heard here that the server has closed
      // those of the start.
      await wait(500);
      if (process.platform === 'linux') spawnSync('taskset', ['-a', '-c', '-p', '0', `${pid()}`]);
      const load = await serve(url, pid(), annotators, thinkMs);
      loads.push(load);
      console.error(loadText([load]));
    });
  }
  return loads;
}

/** Pictures are drawn for some pairs; the others show these again. */
async function seedPairs(): Promise<void> {
  const round = await getRound(await seedRound({ pairs: drawnPairs }));
  const drawn = db().select({ blob: samples.imageBlob }).from(samples).all();
  const filled = await fillPairs(round, pairs);
  await immediate(function* (tx) {
    for (const [i, { sampleAId, sampleBId }] of filled.entries()) {
      for (const [side, id] of [sampleAId, sampleBId].entries()) {
        const { blob } = drawn[(2 * i + side) % drawn.length]!;
        yield* change(tx.update(samples).set({ imageBlob: blob }).where(eq(samples.id, id)));
      }
    }
  });
}

async function serve(url: string, pid: number, annotators: number, thinkMs: number): Promise<Load> {
  const stopwatch = new Stopwatch();
  const enough = new AbortController();
  let picks = 0;
  const labeling = await Promise.all(
    Array.from({ length: annotators }, async (_, i) => {
      const client = new Client(url, stopwatch, false, `10.0.${i >> 8}.${i & 255}`);
      await client.join((await invite('annotator')).replace('/join/', ''), `annotator ${i}`);
      return client;
    }),
  ).then((clients) =>
    clients.map((client) =>
      annotate(client, {
        choose: async () => 'left',
        thinkMs: () => thinkMs * (0.5 + Math.random()),
        onPick: () => {
          picks++;
        },
        signal: enough.signal,
      }),
    ),
  );
  await wait(warmUpMs);
  stopwatch.clear();
  const [before, cpu, startedAt] = [picks, cpuMsOf(pid), performance.now()];
  await wait(1000 * seconds);
  const counted = picks - before;
  const spent = cpuMsOf(pid);
  const elapsedMs = performance.now() - startedAt;
  const requests = stopwatch.report();
  enough.abort();
  await Promise.all(labeling);
  const used = cpu === null || spent === null ? null : spent - cpu;
  return {
    annotators,
    thinkMs,
    picksPerSecond: (1000 * counted) / elapsedMs,
    cpuMsPerPick: used === null ? null : used / counted,
    cores: used === null ? null : used / elapsedMs,
    requests,
  };
}

/** CPU time of a process, ms: fields 14 and 15 of /proc/PID/stat, in hundredths of a second. */
function cpuMsOf(pid: number): number | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return null;
  }
}

/** A table of loads. */
export function loadText(loads: readonly Load[]): string {
  return loads
    .map(({ annotators, thinkMs, picksPerSecond, cpuMsPerPick, cores, requests }) =>
      [
        `${annotators} annotators, ${thinkMs} ms a pick: ${picksPerSecond.toFixed(1)} picks/s` +
          (cpuMsPerPick === null
            ? ''
            : `, ${cpuMsPerPick.toFixed(1)} ms of CPU each, ${cores?.toFixed(2)} cores`),
        ...requests.map(
          ({ name, count, p50, p95 }) =>
            `  ${name}: ${count}, median ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms`,
        ),
      ].join('\n'),
    )
    .join('\n');
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
