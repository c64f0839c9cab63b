import { TriangleAlert } from 'lucide-react';
import type { ShownEvaluation } from '../../api/evaluations/schema';
import { percent } from '../figures/format';

/**
 * The alarm of reward hacking: what rose, what fell meanwhile, and what to do. Nothing where all is
 * well.
 */
export function HackingNotice({ summary: { reward, alarms } }: { summary: ShownEvaluation }) {
  if (!reward || alarms.length === 0) return null;
  return (
    <section
      role="alert"
      className="flex gap-3 rounded-lg border border-destructive/40 bg-destructive/10 p-5"
    >
      <TriangleAlert aria-hidden className="mt-0.5 size-5 shrink-0 text-destructive" />
      <div className="min-w-0 text-sm">
        <h2 className="font-semibold text-base">The reward was hacked</h2>
        <p className="mt-1">
          It rose from {reward.before.toFixed(2)} to {reward.after.toFixed(2)}, while on the same
          prompts and seeds something fell that it does not see:
        </p>
        <ul className="mt-2 flex flex-col gap-1">
          {alarms.map((alarm) => (
            <li key={alarm.signal}>
              <span className="font-medium">{alarm.label}</span>{' '}
              <span className="tabular-nums">{changeText(alarm)}</span>{' '}
              <span className="text-muted-foreground">{alarm.explanation}</span>
            </li>
          ))}
        </ul>
        <p className="mt-2">
          It is not served by the rule. Hold the policy closer to the base (a higher KL
          coefficient), train fewer or shorter steps, or add a reward for what fell.
        </p>
      </div>
    </section>
  );
}

/** Shares of images without a defect are told as rates of the defect. */
function changeText({ kind, before, after }: ShownEvaluation['alarms'][number]): string {
  if (kind === 'diversity') return `${before.toFixed(3)} → ${after.toFixed(3)}.`;
  const shown = (share: number) => percent(kind === 'alignment' ? share : 1 - share);
  return `${shown(before)} → ${shown(after)}.`;
}
