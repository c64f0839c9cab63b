'use client';

import { CirclePlay, FastForward, Pause, Play, RotateCcw, Square } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { sourceOf } from '@/lib/methods';
import { isFinished } from '@/lib/rounds';
import type { RoundSummary } from '../api/rounds/schema';
import { plural } from '../components/figures/format';
import { Button } from '../components/ui/button';
import { Dialog } from '../components/ui/dialog';
import { useRoundAction } from './use-round-action';

type Question = 'cancel' | 'close-labeling' | 'end-run' | null;

/** What may be done to a round as it stands. What cannot be taken back is asked about first. */
export function RoundControls({ round }: { round: RoundSummary }) {
  const act = useRoundAction();
  const [question, ask] = useState<Question>(null);
  const { id, run, state, held } = round;
  const over = isFinished(state);
  const stopped = over && (run.status === 'paused' || run.status === 'failed');
  const busy = act.isPending;

  function confirm(request: Parameters<typeof act.mutate>[0]) {
    act.mutate(request, { onSettled: () => ask(null) });
  }

  return (
    <div className="flex flex-wrap gap-2">
      {state === 'labeling' && !held ? (
        <Button busy={busy} onClick={() => ask('close-labeling')}>
          <FastForward aria-hidden /> Train now
        </Button>
      ) : null}
      {!over && held ? (
        <Button
          look="primary"
          busy={busy}
          onClick={() =>
            act.mutate(
              run.status === 'paused'
                ? { run: run.id, action: 'resume' }
                : { round: id, action: 'resume' },
            )
          }
        >
          <Play aria-hidden /> Resume
        </Button>
      ) : null}
      {!over && !held ? (
        <Button busy={busy} onClick={() => act.mutate({ round: id, action: 'pause' })}>
          <Pause aria-hidden /> Pause
        </Button>
      ) : null}
      {over ? null : (
        <Button look="danger" busy={busy} onClick={() => ask('cancel')}>
          <Square aria-hidden /> Cancel round
        </Button>
      )}
      {state === 'failed' && run.status === 'failed' ? (
        <Button
          look="primary"
          busy={busy}
          onClick={() => act.mutate({ round: id, action: 'retry' })}
        >
          <RotateCcw aria-hidden /> Try again
        </Button>
      ) : null}
      {stopped ? (
        <>
          <Button busy={busy} onClick={() => act.mutate({ run: run.id, action: 'resume' })}>
            <CirclePlay aria-hidden /> Start a new round
          </Button>
          <Button look="danger" busy={busy} onClick={() => ask('end-run')}>
            <Square aria-hidden /> End the run
          </Button>
        </>
      ) : null}

      <Confirm
        open={question === 'cancel'}
        onClose={() => ask(null)}
        title={`Cancel round ${round.ordinal}?`}
        action={
          <Button
            look="danger"
            busy={busy}
            onClick={() => confirm({ round: id, action: 'cancel' })}
          >
            Cancel the round
          </Button>
        }
      >
        {sourceOf(run.method) === 'picks'
          ? `${plural(round.progress.labeled, 'answer')} will be kept and exported, but this round never trains on them.`
          : 'What it has trained so far is given up.'}
        {run.mode === 'online'
          ? ' The run waits until somebody starts a new round.'
          : ' The run ends with it.'}
      </Confirm>
      <Confirm
        open={question === 'close-labeling'}
        onClose={() => ask(null)}
        title="Train on the answers there are?"
        action={
          <Button
            look="primary"
            busy={busy}
            onClick={() => confirm({ round: id, action: 'close-labeling' })}
          >
            Train now
          </Button>
        }
      >
        {round.progress.labeled} of {round.progress.preferencesWanted} answers are in. Pairs that
        are still open are withdrawn; answers that can still be taken back are left out.
      </Confirm>
      <Confirm
        open={question === 'end-run'}
        onClose={() => ask(null)}
        title={`End the run ${run.name}?`}
        action={
          <Button
            look="danger"
            busy={busy}
            onClick={() => confirm({ run: run.id, action: 'cancel' })}
          >
            End the run
          </Button>
        }
      >
        No further round can be started in it. Its answers and policies are kept.
      </Confirm>
    </div>
  );
}

function Confirm({
  open,
  onClose,
  title,
  action,
  children,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  action: ReactNode;
  children: ReactNode;
}) {
  return (
    <Dialog open={open} onOpenChange={(next) => next || onClose()} title={title}>
      <p className="text-sm">{children}</p>
      <div className="mt-6 flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>Not now</Button>
        {action}
      </div>
    </Dialog>
  );
}
