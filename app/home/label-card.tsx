import { ArrowRight } from 'lucide-react';
import Link from 'next/link';
import { labelProgress } from '@/db/labeling/progress';
import { countText, plural } from '../components/figures/format';
import { buttonClass } from '../components/ui/button-class';
import { Card, CardHeading } from '../components/ui/card';
import { Progress } from '../components/ui/progress';

/** What there is to label, and the way there. */
export async function LabelCard({ personId, paused }: { personId: string; paused: boolean }) {
  const { own, round } = await labelProgress(personId, {
    dayStartMs: new Date().setHours(0, 0, 0, 0),
  });
  return (
    <Card className="flex flex-col gap-4">
      <CardHeading title="Label">{leadOf(paused, round !== null)}</CardHeading>
      {round ? (
        <div>
          <p className="mb-2 text-sm tabular-nums">
            Round {round.ordinal}: {countText(round.labeled)} of {plural(round.wanted, 'answer')}
          </p>
          <Progress
            value={round.labeled}
            max={round.wanted}
            label={`Answers of round ${round.ordinal}`}
          />
        </div>
      ) : null}
      <div className="mt-auto flex flex-wrap items-center justify-between gap-3">
        <p className="text-muted-foreground text-sm tabular-nums">
          You: {countText(own.today)} today, {countText(own.total)} in all
        </p>
        <Link href="/label" className={buttonClass({ look: round ? 'primary' : 'outline' })}>
          {own.round > 0 ? 'Go on labeling' : 'Label'} <ArrowRight aria-hidden />
        </Link>
      </div>
    </Card>
  );
}

function leadOf(paused: boolean, underWay: boolean): string {
  if (paused) return 'Your account is paused for labeling. Ask a reviewer why.';
  return underWay
    ? 'Pick the better of two images. The model learns from every batch of picks.'
    : 'No round is being labeled. Pairs appear as soon as one is.';
}
