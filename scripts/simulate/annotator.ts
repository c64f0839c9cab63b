import { randomUUID } from 'node:crypto';
import type { ServedPair } from '@/app/api/label/schema';
import type { Answer } from '@/lib/answers';
import type { Client } from './client';

/** Decides which of two images (PNG bytes) of a prompt is better. */
export type Chooser = (prompt: string, left: Uint8Array, right: Uint8Array) => Promise<Answer>;

const dryWaitMs = 2_000;

/**
 * Labels until told to stop: leases, looks, answers, and waits where there is nothing to judge.
 *
 * @param thinkMs how long to look at the next pair
 * @param onPick called for every answer that counted
 */
export async function annotate(
  client: Client,
  options: {
    choose: Chooser;
    thinkMs: () => number;
    onPick: () => void;
    signal: AbortSignal;
  },
): Promise<void> {
  let guidelinesVersion: number | null = null;
  while (!options.signal.aborted) {
    const { supply } = await client.next();
    switch (supply.state) {
      case 'pairs':
        for (const pair of supply.pairs) {
          if (await judge(client, pair, guidelinesVersion, options)) options.onPick();
        }
        break;
      case 'consent':
        guidelinesVersion = supply.guidelines.version;
        await client.accept(guidelinesVersion);
        break;
      case 'paused':
        throw new Error('this account has been paused by a reviewer: let it label again, or wait');
      case 'all-leased':
        await wait(Math.min(supply.retryAfterMs, dryWaitMs));
        break;
      default:
        await wait(dryWaitMs);
    }
  }
}

/** Whether the answer counted; it does not where others were faster. */
async function judge(
  client: Client,
  pair: ServedPair,
  guidelinesVersion: number | null,
  { choose, thinkMs }: { choose: Chooser; thinkMs: () => number },
): Promise<boolean> {
  const [left, right] = await Promise.all([
    client.image(pair.left.src),
    client.image(pair.right.src),
  ]);
  const shownAtMs = Date.now();
  const answer = await choose(pair.prompt, left, right);
  await wait(thinkMs());
  const { outcome } = await client.answer({
    id: randomUUID(),
    leaseId: pair.leaseId,
    answer,
    shownAtMs,
    decidedAtMs: Date.now(),
    guidelinesVersion,
  });
  return outcome === 'counted';
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
