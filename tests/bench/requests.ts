/**
 * @file Latency of leasing and answering against the production web server, with few and with many
 * annotators.
 */

import { annotate } from '@/scripts/simulate/annotator';
import { Client } from '@/scripts/simulate/client';
import { Stopwatch } from '@/scripts/simulate/stopwatch';
import { withApp } from '../e2e/support/app';
import { invite, seedRound } from '../e2e/support/seed';

const picksPerAnnotator = 20;
const thinkMs = 500;

export interface Latency {
  annotators: number;
  name: string;
  count: number;
  p50: number;
  p95: number;
}

/**
 * Latencies of `GET next` and `POST preference`, ms. Annotators think half a second between picks.
 */
export async function measureRequests(counts: readonly number[]): Promise<Latency[]> {
  const results: Latency[] = [];
  for (const annotators of counts) {
    await withApp(async ({ url }) => {
      await seedRound({ pairs: annotators * picksPerAnnotator + annotators });
      const stopwatch = new Stopwatch();
      await Promise.all(
        Array.from({ length: annotators }, async (_, i) => {
          const client = new Client(url, stopwatch);
          await client.join((await invite('annotator')).replace('/join/', ''), `annotator ${i}`);
          await labelSome(client);
        }),
      );
      for (const line of stopwatch.report()) {
        if (line.name === 'GET next' || line.name === 'POST preference')
          results.push({ annotators, ...line });
      }
    });
  }
  return results;
}

async function labelSome(client: Client): Promise<void> {
  const enough = new AbortController();
  let picks = 0;
  await annotate(client, {
    choose: async () => 'left',
    thinkMs: () => thinkMs,
    onPick: () => {
      if (++picks >= picksPerAnnotator) enough.abort();
    },
    signal: enough.signal,
  });
}
