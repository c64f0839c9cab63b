'use client';

import { Scale } from 'lucide-react';
import { useState } from 'react';
import type { Ratings } from '../../api/policies/comparisons/schema';
import { countText, percent, plural, rangeText } from '../../components/figures/format';
import { IntervalBar } from '../../components/figures/interval-bar';
import { Button } from '../../components/ui/button';
import { Card, CardHeading } from '../../components/ui/card';
import { Dialog } from '../../components/ui/dialog';
import { Cell, HeadCell, Table } from '../../components/ui/table';
import { AskForm } from './ask-form';
import { useRatings, useStopAsking } from './queries';

/** How people rate the versions of a pipeline against each other, and of which they are asked. */
export function RatingsCard({
  of,
  drawn,
  initial,
  mayAsk,
}: {
  of: { pipeline: string; drawing: string | undefined };
  /** How images that may be asked about were drawn, in words. */
  drawn: string;
  initial: Ratings;
  mayAsk: boolean;
}) {
  const ratings = useRatings(of, initial);
  const { anchor, versions, answers, leftShare, asked, candidates, next } = ratings;
  const [asking, setAsking] = useState(false);
  const canAsk = mayAsk && of.drawing !== undefined && candidates.length > 1;
  return (
    <Card>
      <div className="flex items-start justify-between gap-x-6 max-sm:mb-3 max-sm:flex-col">
        <CardHeading title="What people prefer">
          {answers === 0
            ? 'Nobody has said yet which of two versions is better. Those who are asked are shown what both drew from one prompt and seed, not which is which; nothing is trained on their answers.'
            : `From ${plural(answers, 'answer')} to pairs of two versions' images, one prompt and seed each (Bradley and Terry's model with ties). Ranks hold for all versions at once.`}
        </CardHeading>
        {canAsk ? (
          <Button className="shrink-0" onClick={() => setAsking(true)}>
            <Scale aria-hidden /> Ask people
          </Button>
        ) : null}
      </div>
      {anchor ? <RatedVersions anchor={anchor} versions={versions} /> : null}
      {anchor && leftShare ? (
        <p className="mt-3 text-muted-foreground text-sm">
          Between equals the left image wins {percent(leftShare.rate)} of the picks (
          {rangeText(leftShare)}); ratings leave that out.
        </p>
      ) : null}
      <Questions asked={asked} mayStop={mayAsk} />
      <Dialog
        open={asking}
        onOpenChange={setAsking}
        title="Which version is better?"
        description={`People are asked between their other pairs, on images ${drawn || 'drawn alike'}.`}
      >
        {of.drawing === undefined ? null : (
          <AskForm
            drawing={of.drawing}
            candidates={candidates}
            next={next}
            onAsked={() => setAsking(false)}
          />
        )}
      </Dialog>
    </Card>
  );
}

function RatedVersions({
  anchor,
  versions,
}: {
  anchor: NonNullable<Ratings['anchor']>;
  versions: Ratings['versions'];
}) {
  return (
    <Table label="What people prefer">
      <thead>
        <tr>
          <HeadCell>Rank</HeadCell>
          <HeadCell>Policy</HeadCell>
          <HeadCell>Would win against {anchor.name}</HeadCell>
          <HeadCell className="max-sm:hidden">
            <span className="sr-only">Interval</span>
          </HeadCell>
          <HeadCell className="text-right">Rating</HeadCell>
          <HeadCell className="text-right">Answers</HeadCell>
        </tr>
      </thead>
      <tbody>
        {versions.map(({ policy, points, won, ranks, answers }) => (
          <tr key={policy.id}>
            <Cell className="tabular-nums">
              {ranks.best === ranks.worst ? ranks.best : `${ranks.best}–${ranks.worst}`}
            </Cell>
            <Cell className="font-medium whitespace-nowrap">{policy.name}</Cell>
            <Cell className="tabular-nums">
              {policy.id === anchor.id ? (
                <span className="text-muted-foreground">what the others are held against</span>
              ) : (
                <>
                  <span className="font-medium">{percent(won.rate)}</span>
                  <span className="block text-muted-foreground text-xs whitespace-nowrap">
                    {rangeText(won)}
                  </span>
                </>
              )}
            </Cell>
            <Cell className="w-48 max-sm:hidden">
              {policy.id === anchor.id ? null : <IntervalBar interval={won} max={1} mark={0.5} />}
            </Cell>
            <Cell numeric>{pointsText(points.rate)}</Cell>
            <Cell numeric>{countText(answers)}</Cell>
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

/** Elo points with their sign: "+94", "−12", "0". */
function pointsText(points: number): string {
  const whole = Math.round(points);
  if (whole === 0) return '0';
  return whole > 0 ? `+${countText(whole)}` : `−${countText(-whole)}`;
}

function Questions({ asked, mayStop }: { asked: Ratings['asked']; mayStop: boolean }) {
  const stop = useStopAsking();
  if (asked.length === 0) return null;
  return (
    <ul className="mt-4 flex flex-col gap-2 border-t pt-4 text-sm">
      {asked.map(({ one, other, open, pairs, untilSure, ended }) => (
        <li
          key={`${one.id} ${other.id}`}
          className="flex flex-wrap items-center justify-between gap-2"
        >
          <span>
            {open > 0 ? 'People are asked' : 'People were asked'}: {one.name} or {other.name}?{' '}
            <span className="text-muted-foreground">
              {ended === 'sure'
                ? `Ended after ${plural(pairs, 'pair')}: one is better beyond chance.`
                : `${countText(pairs - open)} of ${plural(pairs, 'pair')} answered${untilSure ? ', or until one is better beyond chance' : ''}.`}
            </span>
          </span>
          {mayStop && open > 0 ? (
            <Button
              size="small"
              busy={stop.isPending}
              aria-label={`Stop asking about ${one.name} and ${other.name}`}
              onClick={() => stop.mutate({ one: one.id, other: other.id })}
            >
              Stop asking
            </Button>
          ) : null}
        </li>
      ))}
    </ul>
  );
}
