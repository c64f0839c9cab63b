import { CircleCheck } from 'lucide-react';
import type { RoundState } from '@/lib/rounds';
import type { RoundSummary } from '../api/rounds/schema';
import { countText, plural } from '../components/figures/format';
import { cn } from '../components/ui/cn';
import { inWords } from '../components/ui/duration';
import { Progress } from '../components/ui/progress';

type PhaseName = 'Sampled' | 'Labeled' | 'Trained' | 'Evaluated';

interface Phase {
  name: PhaseName;
  state: RoundState;
  count: number;
  of: number;
  unit: string;
}

/** A round that asks nobody has no images to judge and no answers to wait for. */
function phasesOf({ progress }: RoundSummary): Phase[] {
  const phases: Phase[] = [
    {
      name: 'Sampled',
      state: 'sampling',
      count: progress.sampled,
      of: progress.samplesWanted,
      unit: 'images',
    },
    {
      name: 'Labeled',
      state: 'labeling',
      count: progress.labeled,
      of: progress.preferencesWanted,
      unit: 'answers',
    },
    {
      name: 'Trained',
      state: 'training',
      count: progress.trainedSteps,
      of: progress.trainSteps,
      unit: 'steps',
    },
    {
      name: 'Evaluated',
      state: 'evaluating',
      count: progress.evaluated,
      of: progress.evaluationsWanted,
      unit: 'images',
    },
  ];
  return phases.filter(({ state, of }) => of > 0 || (state !== 'sampling' && state !== 'labeling'));
}

/** The states a round passes through before each phase is behind it. */
const order: readonly RoundState[] = ['sampling', 'labeling', 'training', 'evaluating', 'done'];

/**
 * A round's four phases as frames of a film, with how far each is and how long the present one
 * still takes. `etaSeconds` overrides the trainer's guess: how long people need, only pages can
 * tell.
 */
export function Phases({
  round,
  etaSeconds = round.progress.etaSeconds,
}: {
  round: RoundSummary;
  etaSeconds?: number | null;
}) {
  const phases = phasesOf(round);
  return (
    <ol
      className={cn(
        'grid grid-cols-2 gap-px overflow-hidden rounded-md bg-film-ink/15',
        phases.length > 2 && 'lg:grid-cols-4',
      )}
    >
      {phases.map((phase, index) => {
        const active = phase.state === round.state;
        const behind = order.indexOf(round.state) > order.indexOf(phase.state);
        return (
          <li
            key={phase.name}
            aria-current={active ? 'step' : undefined}
            className="flex min-w-0 flex-col gap-2 bg-film px-3 py-3 text-film-ink sm:px-4"
          >
            <div className="flex items-center justify-between gap-2">
              <span className={cn('edge-print', !active && 'opacity-75')}>
                {`${index + 1} ${phase.name}`}
              </span>
              {behind ? <CircleCheck aria-label="finished" className="size-4 opacity-75" /> : null}
            </div>
            <p className="truncate text-white tabular-nums">
              <span className="font-semibold text-lg">{countText(phase.count)}</span>
              <span className="text-sm text-white/70">
                {phase.of > 0 ? ` of ${countText(phase.of)} ${phase.unit}` : ` ${phase.unit}`}
              </span>
            </p>
            <Progress
              value={phase.count}
              max={phase.of}
              label={phase.name}
              className="bg-white/15 *:bg-film-ink"
            />
            <p className="h-4 truncate text-white/70 text-xs">
              {active ? remaining(round, etaSeconds) : null}
            </p>
          </li>
        );
      })}
    </ol>
  );
}

function remaining(round: RoundSummary, etaSeconds: number | null): string {
  if (round.held) return 'paused';
  if (etaSeconds !== null) return `about ${inWords(etaSeconds)} left`;
  if (round.state === 'labeling') {
    const { labeled, preferencesWanted } = round.progress;
    return labeled < preferencesWanted ? 'waiting for people' : 'until none can be taken back';
  }
  if (round.ahead === null) return 'the trainer is at it';
  if (round.ahead === 0) return 'next for the trainer';
  return `${plural(round.ahead, 'round')} before it`;
}
