import { cn } from '../components/ui/cn';
import type { Decision } from './label-state';

/** The last decisions as a contact sheet, newest first: the picked image is ringed, as with a grease pencil. */
export function RecentStrip({
  history,
  unsentLeaseIds,
  blurSensitive,
}: {
  history: Decision[];
  unsentLeaseIds: string[];
  blurSensitive: boolean;
}) {
  return (
    <ol aria-label="Your last decisions" className="flex h-10 items-center gap-2 overflow-hidden">
      {history
        .slice(-6)
        .toReversed()
        .map((decision) => {
          const unsent = unsentLeaseIds.includes(decision.pair.leaseId);
          return (
            <li
              key={decision.pair.leaseId}
              title={`${words(decision)}${unsent ? ', not sent yet' : ''}`}
              className={cn('flex shrink-0 gap-0.5 rounded-sm bg-film p-1', unsent && 'opacity-50')}
            >
              <span className="sr-only">
                {words(decision)}
                {unsent ? ', not sent yet' : ''}
              </span>
              {(['left', 'right'] as const).map((side) => (
                <img
                  key={side}
                  src={decision.pair[side].src}
                  alt=""
                  width={28}
                  height={28}
                  className={cn(
                    'size-7 rounded-full object-cover',
                    isPicked(decision, side)
                      ? 'outline-2 outline-film-ink'
                      : 'rounded-none opacity-45',
                    blurSensitive && decision.pair.sensitive && 'blur-xs',
                  )}
                />
              ))}
            </li>
          );
        })}
    </ol>
  );
}

function isPicked(decision: Decision, side: 'left' | 'right'): boolean {
  return decision.kind === 'answer' && (decision.answer === side || decision.answer === 'tie');
}

function words(decision: Decision): string {
  if (decision.kind === 'skip') return 'Skipped';
  return { left: 'Left', right: 'Right', tie: 'Tie', 'both-bad': 'Both bad' }[decision.answer];
}
