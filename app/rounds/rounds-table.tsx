'use client';

import Link from 'next/link';
import { methods } from '@/lib/methods';
import { winRate } from '@/lib/statistics/proportion';
import type { MeasureRef } from '../api/evaluations/schema';
import type { RoundSummary } from '../api/rounds/schema';
import { countText, plural } from '../components/figures/format';
import { Rate, RateText } from '../components/figures/rate';
import { Moment } from '../components/ui/moment';
import { Cell, HeadCell, Table } from '../components/ui/table';
import { StateBadge } from './state-badge';

/** Rounds that are over, newest first, with what came of them. */
export function RoundsTable({
  rounds,
  headlines,
}: {
  rounds: RoundSummary[];
  headlines: readonly MeasureRef[];
}) {
  return (
    <Table label="Rounds that are over">
      <thead>
        <tr>
          <HeadCell>Round</HeadCell>
          <HeadCell>State</HeadCell>
          <HeadCell>Method</HeadCell>
          <HeadCell>Policy</HeadCell>
          <HeadCell>Labeled</HeadCell>
          <HeadCell>Won against before</HeadCell>
          {headlines.map(({ id, label }) => (
            <HeadCell key={`${id} ${label}`}>{label}</HeadCell>
          ))}
          <HeadCell>Started</HeadCell>
        </tr>
      </thead>
      <tbody className="[&_tr:last-child_td]:border-b-0">
        {rounds.map((round) => (
          <Row key={round.id} round={round} headlines={headlines} />
        ))}
      </tbody>
    </Table>
  );
}

function Row({ round, headlines }: { round: RoundSummary; headlines: readonly MeasureRef[] }) {
  const { run, result, progress } = round;
  const won = result?.winRate ?? null;
  return (
    <tr>
      <Cell className="whitespace-nowrap">
        <Link href={`/rounds/${round.id}`} className="font-medium hover:underline">
          {run.name}, round {round.ordinal}
        </Link>
      </Cell>
      <Cell>
        <StateBadge state={round.state} held={round.held} />
      </Cell>
      <Cell className="whitespace-nowrap">
        {methods[run.method].label}
        {result?.drawing ? (
          <span className="block text-muted-foreground text-xs">{result.drawing}</span>
        ) : null}
      </Cell>
      <Cell className="whitespace-nowrap">
        {round.startPolicy.name}
        {round.resultPolicy ? (
          <>
            {' → '}
            <Link
              href={`/policies/${round.resultPolicy.id}`}
              className="underline underline-offset-2"
            >
              {round.resultPolicy.name}
            </Link>
          </>
        ) : null}
      </Cell>
      <Cell className="whitespace-nowrap tabular-nums">
        {countText(progress.labeled)} of {countText(progress.preferencesWanted)}
      </Cell>
      <Cell>
        {won ? (
          <RateText interval={winRate(won)} count={plural(won.n, 'comparison')} />
        ) : (
          <Nothing />
        )}
      </Cell>
      {headlines.map(({ id, label }) => {
        const found = result?.defects.find((one) => one.id === id && one.label === label);
        return <Cell key={`${id} ${label}`}>{found ? <Rate of={found.of} /> : <Nothing />}</Cell>;
      })}
      <Cell className="text-muted-foreground text-xs">
        <span className="block text-foreground text-sm">{run.startedBy ?? 'Darkroom'}</span>
        <Moment ms={round.createdAt} />
      </Cell>
    </tr>
  );
}

function Nothing() {
  return <span className="text-muted-foreground">–</span>;
}
