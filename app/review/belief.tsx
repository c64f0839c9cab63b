import { flagDescriptions } from '@/lib/flags';
import { type Belief, beliefIn } from '@/lib/judges/belief';
import { cohensKappa } from '@/lib/statistics/agreement';
import type { JudgeView } from '../api/review/schema';
import { Badge } from '../components/ui/badge';

const tones = {
  unknown: 'neutral',
  chance: 'negative',
  some: 'positive',
} as const satisfies Record<Belief, string>;

/** Beside the rates: how far the judge and people agree. */
export function BeliefBadges({ judge }: { judge: JudgeView }) {
  return (
    <ul aria-label="How far to believe the judge" className="flex flex-wrap items-end gap-2">
      {judge.agreement.map(({ kind, marked }) => {
        const belief = beliefIn(marked);
        return (
          <li key={kind}>
            <Badge tone={tones[belief]}>
              {flagDescriptions[kind].label}: {wordsOf(belief, cohensKappa(marked)?.rate)}
            </Badge>
          </li>
        );
      })}
    </ul>
  );
}

function wordsOf(belief: Belief, kappa = 0): string {
  if (belief === 'unknown') return 'not compared with people yet';
  if (belief === 'chance') return 'agrees with people no more than chance';
  return `agrees with people, kappa ${kappa.toFixed(2)}`;
}
