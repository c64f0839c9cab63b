'use client';

import { ArrowRight } from 'lucide-react';
import Link from 'next/link';
import type { RoundsView } from '../api/rounds/schema';
import { buttonClass } from '../components/ui/button-class';
import { CurrentRound } from '../rounds/current-round';
import { useLiveRounds, useRounds } from '../rounds/queries';
import { TrainerLine } from '../rounds/trainer-line';
import { roundsAtHome } from './rounds-at-home';

/** What is under way, as the rounds page shows it; where nothing is, the round that came last. */
export function LiveRounds({ initial, mayManage }: { initial: RoundsView; mayManage: boolean }) {
  const { underWay, over, trainer } = useRounds(initial, roundsAtHome);
  useLiveRounds();
  const shown = underWay.length > 0 ? underWay : over.slice(0, 1);
  return (
    <section aria-label="Rounds" className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center justify-between gap-3">
        <TrainerLine trainer={trainer} />
        <Link href="/rounds" className={buttonClass({ look: 'quiet', size: 'small' })}>
          All rounds <ArrowRight aria-hidden />
        </Link>
      </div>
      {shown.map((round) => (
        <CurrentRound key={round.id} round={round} mayManage={mayManage} />
      ))}
    </section>
  );
}
