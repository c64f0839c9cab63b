import type { LabelProgress } from '../../api/label/schema';
import { Progress } from '../../components/ui/progress';

/**
 * How far the round is and how much of it is one's own. Its place is kept while nothing is known
 * yet.
 */
export function ProgressLine({ progress }: { progress: LabelProgress | null }) {
  const round = progress?.round ?? null;
  const answers = round?.of === 'groups' ? 'taggings' : 'picks';
  return (
    <div className="flex h-9 min-w-0 flex-1 items-center gap-3 text-sm">
      {round ? (
        <>
          <span className="shrink-0 font-medium max-sm:sr-only beside:sr-only">
            Round {round.ordinal}
          </span>
          <Progress
            value={round.labeled}
            max={round.wanted}
            label={`${round.of === 'groups' ? 'Taggings' : 'Picks'} in round ${round.ordinal}`}
            className="min-w-8 max-w-48 flex-1"
          />
          <span className="shrink-0 text-muted-foreground tabular-nums">
            {round.labeled} of {round.wanted}
            <span className="max-sm:hidden beside:hidden"> {answers}</span>
          </span>
        </>
      ) : null}
      {progress ? (
        <span className="shrink-0 text-muted-foreground tabular-nums beside:max-lg:sr-only">
          {round ? '· ' : ''}you: {progress.own.today} today
        </span>
      ) : null}
    </div>
  );
}
