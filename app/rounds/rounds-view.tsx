'use client';

import { RefreshCw } from 'lucide-react';
import Link from 'next/link';
import type { RoundsView as View } from '../api/rounds/schema';
import { buttonClass } from '../components/ui/button-class';
import { Card } from '../components/ui/card';
import { Notice } from '../components/ui/notice';
import { ShowMore } from '../components/ui/show-more';
import { CurrentRound } from './current-round';
import { useLiveRounds, useRounds } from './queries';
import { RoundsTable } from './rounds-table';
import { TrainerLine } from './trainer-line';

/** What is under way, large and live; below it everything that has been. */
export function RoundsView({ initial, mayManage }: { initial: View; mayManage: boolean }) {
  const { underWay, over, overTotal, headlines, trainer, more } = useRounds(initial);
  useLiveRounds();

  if (underWay.length + over.length === 0) {
    return (
      <Notice
        icon={RefreshCw}
        title="No round yet"
        action={
          mayManage ? (
            <Link href="/rounds/new" className={buttonClass({ look: 'primary' })}>
              Start the first run
            </Link>
          ) : null
        }
      >
        {mayManage
          ? 'A run needs prompts and people. The settings are filled in with values that work.'
          : 'A researcher starts the first one.'}
      </Notice>
    );
  }

  return (
    <div className="flex flex-col gap-8">
      <section aria-label="Under way" className="flex flex-col gap-4">
        <TrainerLine trainer={trainer} />
        {underWay.map((round) => (
          <CurrentRound key={round.id} round={round} mayManage={mayManage} />
        ))}
        {underWay.length === 0 ? (
          <Card className="text-muted-foreground text-sm">Nothing is under way.</Card>
        ) : null}
      </section>
      {over.length > 0 ? (
        <section aria-labelledby="earlier">
          <h2 id="earlier" className="mb-3 font-semibold text-base">
            Earlier rounds
          </h2>
          <Card className="py-2">
            <RoundsTable rounds={over} headlines={headlines} />
          </Card>
          <ShowMore
            shown={over.length}
            total={overTotal}
            what="More rounds"
            busy={more.isFetchingNextPage}
            onMore={more.hasNextPage ? () => more.fetchNextPage() : null}
          />
        </section>
      ) : null}
    </div>
  );
}
