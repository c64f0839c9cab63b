import { Plus } from 'lucide-react';
import Link from 'next/link';
import { buttonClass } from '../components/ui/button-class';
import { Card, CardHeading } from '../components/ui/card';
import { loadRounds } from '../reads/rounds/load-rounds';
import { LiveRounds } from './live-rounds';
import { roundsAtHome } from './rounds-at-home';

/** The rounds under way, live; or the way to start one. */
export async function RoundsCard({ mayManage }: { mayManage: boolean }) {
  const view = await loadRounds({ limit: roundsAtHome });
  if (view.underWay.length + view.over.length > 0)
    return <LiveRounds initial={view} mayManage={mayManage} />;
  return (
    <Card>
      <CardHeading title="Rounds">
        No run has been started yet. A round draws pairs, waits for people to pick, trains, and
        measures.
      </CardHeading>
      {mayManage ? (
        <Link href="/rounds/new" className={buttonClass({ look: 'primary' })}>
          <Plus aria-hidden /> Start the first run
        </Link>
      ) : null}
    </Card>
  );
}
