'use client';

import { TriangleAlert } from 'lucide-react';
import { useState } from 'react';
import type { RoundSummary, StepsView } from '../../api/rounds/schema';
import { shortNumber } from '../../components/figures/format';
import { Button } from '../../components/ui/button';
import { Card, CardHeading } from '../../components/ui/card';
import { Skeleton } from '../../components/ui/skeleton';
import { useSteps } from '../queries';
import { Curve } from './curve';
import { type Axis, axisNames, type CurvePoint, curvesOf, pointOf, trainingAlarm } from './curves';
import { CurvesTable } from './curves-table';

const axes: readonly Axis[] = ['step', 'timestep'];

/** What training logged, over its steps or over the timesteps, as curves or as a table. */
export function CurvesCard({ round }: { round: RoundSummary }) {
  const [ofRun, setOfRun] = useState(false);
  const { data, error, refetch } = useSteps(round.id, ofRun);
  const [axis, setAxis] = useState<Axis>('step');
  const [asTable, setAsTable] = useState(false);
  const points = data ? pointsOf(data, axis) : [];
  // A reward speaks of whole rollouts: such a round has nothing to say of single timesteps.
  const hasTimesteps = !data || data.byTimestep.length > 0;
  const last = data?.steps.findLast(({ metrics }) => metrics.stepsPerSecond !== undefined)?.metrics;
  const starts = axis === 'step' && ofRun ? (data?.starts ?? []) : [];
  const alarm = trainingAlarm(last ?? {});

  return (
    <Card>
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-2">
        <CardHeading title="How it learned">
          {axis === 'step'
            ? `Each point is measured after so many steps of the optimizer, before the next one${hasTimesteps ? ', the mean of its timesteps' : ''}.${starts.length > 0 ? ' Rounds of the run follow each other; lines stand where they begin.' : ''}`
            : 'Each point is the mean of all steps at one timestep; noise on the left, image on the right.'}
        </CardHeading>
        <div className="mb-4 flex flex-wrap gap-1">
          {axis === 'step' && round.ordinal > 1 ? (
            <Button
              size="small"
              look={ofRun ? 'outline' : 'quiet'}
              aria-pressed={ofRun}
              onClick={() => setOfRun(!ofRun)}
            >
              All rounds of the run
            </Button>
          ) : null}
          {(hasTimesteps ? axes : []).map((candidate) => (
            <Button
              key={candidate}
              size="small"
              look={candidate === axis ? 'outline' : 'quiet'}
              aria-pressed={candidate === axis}
              onClick={() => setAxis(candidate)}
            >
              Per {candidate}
            </Button>
          ))}
          <Button
            size="small"
            look={asTable ? 'outline' : 'quiet'}
            aria-pressed={asTable}
            onClick={() => setAsTable(!asTable)}
          >
            As a table
          </Button>
        </div>
      </div>
      {error ? (
        <p role="alert" className="flex items-center gap-3 text-destructive text-sm">
          {error.message}
          <Button size="small" onClick={() => refetch()}>
            Try again
          </Button>
        </p>
      ) : null}
      {data && points.length === 0 ? (
        <p className="flex h-40 items-center justify-center text-muted-foreground text-sm">
          The first step has not ended yet.
        </p>
      ) : null}
      {!data && !error ? <Skeleton className="h-136" /> : null}
      {points.length > 0 && asTable ? <CurvesTable points={points} axis={axis} /> : null}
      {points.length > 0 && !asTable ? (
        <div className="grid gap-x-6 gap-y-5 sm:grid-cols-2 lg:grid-cols-3">
          {curvesOf(points).map((curve) => (
            <Curve
              key={curve.title}
              curve={curve}
              points={points}
              axisName={axisNames[axis]}
              starts={starts}
            />
          ))}
        </div>
      ) : null}
      {alarm ? (
        <p role="status" className="mt-4 flex gap-2 rounded-md bg-muted p-3 text-sm">
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-primary" />
          {alarm}
        </p>
      ) : null}
      {last?.stepsPerSecond !== undefined ? (
        <p className="mt-4 text-muted-foreground text-xs tabular-nums">
          At last {shortNumber(last.stepsPerSecond)} steps a second
          {last.rssMb === undefined ? '' : `, ${shortNumber(last.rssMb)} MiB of memory`}.
        </p>
      ) : null}
    </Card>
  );
}

function pointsOf({ steps, byTimestep }: StepsView, axis: Axis): CurvePoint[] {
  return axis === 'step'
    ? steps.map(({ step, metrics }) => pointOf(step, metrics))
    : byTimestep.map(({ timestep, metrics }) => pointOf(timestep, metrics));
}
