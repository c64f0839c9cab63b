import { listRounds } from '@/db/rounds/rounds';
import { isFinished } from '@/lib/rounds';
import { line } from '@/scripts/console';
import { reportRound } from './report';

const pollMs = 1_000;

/**
 * Says what rounds do, and reports each that ends.
 *
 * @returns true when so many have been done, false when one has failed or the signal came first
 */
export async function watchRounds(wanted: number, signal: AbortSignal): Promise<boolean> {
  const states = new Map((await listRounds()).map(({ id, state }) => [id, state]));
  for (let done = 0; done < wanted; ) {
    if (signal.aborted) return false;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    for (const round of (await listRounds()).reverse()) {
      if (states.get(round.id) === round.state) continue;
      states.set(round.id, round.state);
      if (!isFinished(round.state)) line('·', `round ${round.ordinal}`, round.state);
      else if (round.state !== 'cancelled') await reportRound(round);
      if (round.state === 'failed') return false;
      if (round.state === 'done') done += 1;
    }
  }
  return true;
}
