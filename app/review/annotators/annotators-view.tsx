'use client';

import { Users } from 'lucide-react';
import { useState } from 'react';
import type { AnnotatorView, AnnotatorsView as View } from '../../api/review/schema';
import { countText, plural } from '../../components/figures/format';
import { Rate, RateText } from '../../components/figures/rate';
import { Badge } from '../../components/ui/badge';
import { Button } from '../../components/ui/button';
import { Card, CardHeading } from '../../components/ui/card';
import { Dialog } from '../../components/ui/dialog';
import { Moment } from '../../components/ui/moment';
import { Notice } from '../../components/ui/notice';
import { ShowMore } from '../../components/ui/show-more';
import { Cell, HeadCell, Table } from '../../components/ui/table';
import { useAnnotators, useHoldBack } from '../queries';

/** How each annotator judges, each figure with its interval and its count. */
export function AnnotatorsView({ initial, mayPause }: { initial: View; mayPause: boolean }) {
  const { annotators, agreement, side, anyGold, total, more } = useAnnotators(initial);
  const [asking, ask] = useState<AnnotatorView | null>(null);
  const holdBack = useHoldBack();

  if (annotators.length === 0) {
    return (
      <Notice icon={Users} title="Nobody has judged a pair yet">
        Figures appear with the first answers.
      </Notice>
    );
  }
  return (
    <div className="flex flex-col gap-6">
      <Card className="flex flex-wrap gap-x-12 gap-y-4">
        <div>
          <p className="mb-1 text-muted-foreground text-sm">Any two on the same pair agree</p>
          <Rate of={agreement.raw} />
        </div>
        <div>
          <p className="mb-1 text-muted-foreground text-sm">Krippendorff's alpha</p>
          <p className="font-medium tabular-nums">
            {agreement.alpha === null ? 'not measurable yet' : agreement.alpha.toFixed(2)}
          </p>
          <p className="text-muted-foreground text-xs">
            1: always agree, 0: as often as chance · {plural(agreement.raw.n, 'comparison')}
          </p>
        </div>
        <div>
          <p className="mb-1 text-muted-foreground text-sm">Left among all picks</p>
          <Side of={side} />
        </div>
      </Card>
      <Card>
        <CardHeading title="One by one">
          Agreement counts comparisons with others who judged the same pair. Side bias is the share
          of left among picks; one half is even.
        </CardHeading>
        <Table label="Annotators">
          <thead>
            <tr>
              <HeadCell>Name</HeadCell>
              <HeadCell className="text-right">Answers</HeadCell>
              <HeadCell>Agreement</HeadCell>
              {anyGold ? <HeadCell>Known answers right</HeadCell> : null}
              <HeadCell>Median decision</HeadCell>
              <HeadCell>Left among picks</HeadCell>
              <HeadCell>Ties</HeadCell>
              <HeadCell>Both bad</HeadCell>
              <HeadCell>
                <span className="sr-only">Actions</span>
              </HeadCell>
            </tr>
          </thead>
          <tbody className="[&_tr:last-child_td]:border-b-0">
            {/* Rounds without gold pairs are the rule; a column of nothing would only push the others out. */}
            {annotators.map((annotator) => (
              <Row
                key={annotator.id}
                annotator={annotator}
                showGold={anyGold}
                action={
                  mayPause ? (
                    <Button
                      size="small"
                      busy={holdBack.isPending}
                      aria-label={
                        annotator.paused
                          ? `Let ${annotator.name} count`
                          : `Hold back ${annotator.name}`
                      }
                      onClick={() =>
                        annotator.paused
                          ? holdBack.mutate({ id: annotator.id, action: 'resume' })
                          : ask(annotator)
                      }
                    >
                      {annotator.paused ? 'Let count' : 'Hold back'}
                    </Button>
                  ) : null
                }
              />
            ))}
          </tbody>
        </Table>
        <ShowMore
          shown={annotators.length}
          total={total}
          what="More annotators"
          busy={more.isFetchingNextPage}
          onMore={more.hasNextPage ? () => more.fetchNextPage() : null}
        />
      </Card>
      <Dialog
        open={asking !== null}
        onOpenChange={(open) => open || ask(null)}
        title={`Hold back ${asking?.name ?? ''}?`}
      >
        <p className="text-sm">
          They are signed out and offered no more pairs, and their answers are not trained on until
          you let them count again. Nothing is deleted. They are told that a reviewer has paused
          them.
        </p>
        <div className="mt-6 flex justify-end gap-2">
          <Button onClick={() => ask(null)}>Not now</Button>
          <Button
            look="danger"
            busy={holdBack.isPending}
            onClick={() =>
              asking &&
              holdBack.mutate({ id: asking.id, action: 'pause' }, { onSettled: () => ask(null) })
            }
          >
            Hold back
          </Button>
        </div>
      </Dialog>
    </div>
  );
}

function Row({
  annotator,
  showGold,
  action,
}: {
  annotator: AnnotatorView;
  showGold: boolean;
  action: React.ReactNode;
}) {
  const { decisionMs, tooFast, side } = annotator;
  return (
    <tr>
      <Cell className="whitespace-nowrap">
        <span className="font-medium">{annotator.name}</span>
        {annotator.paused ? (
          <Badge tone="negative" className="ml-2">
            Held back
          </Badge>
        ) : null}
        <span className="block text-muted-foreground text-xs">
          last <Moment ms={annotator.lastActiveAt} />
        </span>
      </Cell>
      <Cell numeric className="sm:min-w-36">
        {countText(annotator.answers)}
        <span className="block text-muted-foreground text-xs max-sm:hidden">
          {countText(annotator.skipped)} skipped, {countText(annotator.undone)} undone,{' '}
          {plural(annotator.flagged, 'flag')}
        </span>
      </Cell>
      <Cell>
        <Rate of={annotator.agreement} />
      </Cell>
      {showGold ? (
        <Cell>
          <Rate of={annotator.gold} />
        </Cell>
      ) : null}
      <Cell>
        {decisionMs ? (
          <span className="inline-flex flex-col tabular-nums">
            <span className="font-medium">{secondsText(decisionMs.median)} s</span>
            <span className="whitespace-nowrap text-muted-foreground text-xs">
              {secondsText(decisionMs.low)}–{secondsText(decisionMs.high)} s · of{' '}
              {countText(decisionMs.n)}
            </span>
            {tooFast ? (
              <Badge tone="negative" className="mt-1 w-fit">
                Too fast to have looked
              </Badge>
            ) : null}
          </span>
        ) : (
          '–'
        )}
      </Cell>
      <Cell>
        <Side of={side} />
      </Cell>
      <Cell>
        <Rate of={annotator.ties} />
      </Cell>
      <Cell>
        <Rate of={annotator.bothBad} />
      </Cell>
      <Cell className="text-right">{action}</Cell>
    </tr>
  );
}

function Side({ of: { left, decided, interval, biased } }: { of: AnnotatorView['side'] }) {
  return (
    <span className="flex items-center gap-3">
      <RateText interval={interval} count={`${countText(left)} of ${countText(decided)}`} />
      {biased ? <Badge tone="negative">Biased</Badge> : null}
    </span>
  );
}

function secondsText(ms: number): string {
  return (ms / 1000).toFixed(1);
}
