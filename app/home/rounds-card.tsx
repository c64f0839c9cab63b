import { Plus } from 'lucide-react';
import Link from 'next/link';
import { loadRounds } from '../api/rounds/load-rounds';
import { buttonClass } from '../components/ui/button-class';
import { Card, CardHeading } from '../components/ui/card';
import { LiveRounds } from './live-rounds';

/** The rounds under way, live; or the way to start one. */
export async function RoundsCard({ mayManage }: { mayManage: boolean }) {
  const view = await loadRounds();
  if (view.rounds.length > 0) return <LiveRounds initial={view} mayManage={mayManage} />;
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
