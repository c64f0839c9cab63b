'use client';

import { TriangleAlert } from 'lucide-react';
import { type Proportion, wilsonInterval } from '@/lib/statistics/proportion';
import type { RewardModelView } from '../api/reward-models/schema';
import { IntervalBar } from '../components/figures/interval-bar';
import { Rate } from '../components/figures/rate';
import { Card, CardHeading } from '../components/ui/card';
import { CalibrationChart } from './calibration-chart';

/**
 * How far to trust a learned reward: against chance, against people, and against its own promises.
 */
export function TrustCard({ model }: { model: RewardModelView }) {
  const { report } = model;
  if (!report) return null;
  const chance = model.source === 'picks' ? (0.5 as const) : undefined;
  return (
    <Card>
      <CardHeading title={`How far to trust ${model.name}`}>
        Every answer was predicted by a model that had not seen it.
      </CardHeading>
      <div className="grid gap-x-10 gap-y-6 md:grid-cols-[minmax(0,1fr)_minmax(16rem,20rem)]">
        <div className="flex flex-col gap-5">
          <Accuracy name="Right on held-out answers" of={report.heldOut} mark={chance} />
          <Accuracy
            name="A second person agrees with the first"
            of={report.ceiling}
            mark={chance}
            tone="second"
          />
          {chance ? (
            <p className="text-muted-foreground text-xs">The thin line is tossing a coin.</p>
          ) : null}
          {report.warnings.map((warning) => (
            <p key={warning} className="flex gap-2 rounded-md bg-muted p-3 text-sm">
              <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-primary" />
              {warning}
            </p>
          ))}
        </div>
        <CalibrationChart bins={report.calibration} least={chance ?? 0} />
      </div>
    </Card>
  );
}

function Accuracy({
  name,
  of,
  mark,
  tone = 'primary',
}: {
  name: string;
  of: Proportion;
  mark: number | undefined;
  tone?: 'primary' | 'second';
}) {
  return (
    <div className="grid items-center gap-x-4 gap-y-1 sm:grid-cols-[minmax(0,1fr)_10rem]">
      <div>
        <h3 className="text-sm">{name}</h3>
        <IntervalBar interval={wilsonInterval(of)} max={1} mark={mark} tone={tone} />
      </div>
      <Rate of={of} />
    </div>
  );
}
