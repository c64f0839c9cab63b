'use client';

import { ArrowRight } from 'lucide-react';
import Link from 'next/link';
import { methods, sourceOf } from '@/lib/methods';
import { stateMeaning } from '@/lib/rounds';
import type { RoundSummary } from '../api/rounds/schema';
import { buttonClass } from '../components/ui/button-class';
import { Card } from '../components/ui/card';
import { Phases } from './phases';
import { RoundControls } from './round-controls';
import { StateBadge } from './state-badge';

/** A round that is under way, with what may be done to it. */
export function CurrentRound({ round, mayManage }: { round: RoundSummary; mayManage: boolean }) {
  const { run } = round;
  return (
    <Card className="flex flex-col gap-4">
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <div className="min-w-0">
          <div className="flex flex-wrap items-center gap-2">
            <h2 className="font-semibold text-lg">
              <Link href={`/rounds/${round.id}`} className="hover:underline">
                {run.name}, round {round.ordinal}
              </Link>
            </h2>
            <StateBadge state={round.state} held={round.held} />
          </div>
          <p className="mt-1 text-muted-foreground text-sm">
            {run.mode === 'online' ? 'Online run' : 'Single round'} · {methods[run.method].label}{' '}
            from{' '}
            <Link
              href={`/policies/${round.startPolicy.id}`}
              className="underline underline-offset-2"
            >
              {round.startPolicy.name}
            </Link>{' '}
            · started by {run.startedBy ?? 'Darkroom'}
          </p>
        </div>
        {mayManage ? <RoundControls round={round} /> : null}
      </div>
      <Phases round={round} />
      <div className="flex flex-wrap items-center justify-between gap-3">
        <p className="max-w-3xl text-muted-foreground text-sm">
          {stateMeaning(round.state, { mode: run.mode, learnsFrom: sourceOf(run.method) })}
        </p>
        <Link
          href={`/rounds/${round.id}`}
          className={buttonClass({ look: 'quiet', size: 'small' })}
        >
          Watch it <ArrowRight aria-hidden />
        </Link>
      </div>
    </Card>
  );
}
