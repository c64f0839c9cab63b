import { declaredJudges } from '@/db/policies/declared';
import { roundsPage } from '@/db/rounds/list';
import { type DeclaredJudge, defectsOf } from '@/lib/judges/judging';
import type { MeasureRef } from '../../api/evaluations/schema';
import type { RoundsQuery, RoundsView } from '../../api/rounds/schema';
import { summarize, trainerState } from './summaries';

/** What the list of rounds shows: all that are under way, and of those that are over a page. */
export async function loadRounds({ after, limit = 25 }: RoundsQuery = {}): Promise<RoundsView> {
  const { underWay, over, overTotal, next } = await roundsPage({ after, limit });
  const judges = await declaredJudges();
  const [first, second] = await Promise.all([summarize(underWay, judges), summarize(over, judges)]);
  return {
    underWay: first,
    over: second,
    overTotal,
    headlines: headlinesOf(judges),
    next,
    trainer: await trainerState(),
  };
}

/** Each once: judges of several pipelines may measure the same. */
function headlinesOf(judges: ReadonlyMap<string, DeclaredJudge>): MeasureRef[] {
  const first = [...judges.values()].flatMap((judge) => defectsOf(judge).slice(0, 1));
  return [...new Map(first.map(({ id, label }) => [`${id} ${label}`, { id, label }])).values()];
}
