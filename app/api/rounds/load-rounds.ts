import { listRounds } from '@/db/rounds';
import type { RoundsView } from './schema';
import { summarize, trainerState } from './summaries';

/** Everything the list of rounds shows. */
export async function loadRounds(): Promise<RoundsView> {
  return {
    rounds: await summarize(await listRounds()),
    trainer: await trainerState(),
  };
}
