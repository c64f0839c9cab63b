import { roundsPage } from '@/db/rounds/list';
import type { RoundsQuery, RoundsView } from '../../api/rounds/schema';
import { summarize, trainerState } from './summaries';

/** What the list of rounds shows: all that are under way, and of those that are over a page. */
export async function loadRounds({ after, limit = 25 }: RoundsQuery = {}): Promise<RoundsView> {
  const { underWay, over, overTotal, next } = await roundsPage({ after, limit });
  const [first, second] = await Promise.all([summarize(underWay), summarize(over)]);
  return { underWay: first, over: second, overTotal, next, trainer: await trainerState() };
}
