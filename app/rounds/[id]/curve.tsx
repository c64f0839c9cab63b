'use client';

import {
  CartesianGrid,
  Line,
  LineChart,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts';
import { shortNumber } from '../../components/figures/format';
import type { CurvePoint, CurveSpec } from './curves';
import { ticksOf } from './ticks';

/** Of a share, whose axis goes from 0 to 1. */
const shareTicks = [0, 0.25, 0.5, 0.75, 1];

const tick = { fontSize: 11, fill: 'var(--muted-foreground)' };

/** One small chart. The same numbers are there as a table, so it is an image to a screen reader. */
export function Curve({
  curve: { title, explanation, series, domain, mark },
  points,
  axisName,
  starts = [],
}: {
  curve: CurveSpec;
  points: CurvePoint[];
  axisName: string;
  /** Where rounds begin, on an axis of several. */
  starts?: readonly { ordinal: number; x: number }[];
}) {
  // What is measured before a step is not there after the last.
  const latest = points.findLast((point) => series.some(({ key }) => point[key] !== undefined));
  const known = points.flatMap((point) => series.flatMap(({ key }) => point[key] ?? []));
  const ticks = ticksOf([...known, ...(mark === undefined ? [] : [mark])]);
  const [lowest, highest] = domain ?? [ticks.at[0]!, ticks.at.at(-1)!];
  const noiseFirst = axisName === 'Timestep';
  return (
    <figure className="min-w-0">
      <figcaption>
        <div className="flex flex-wrap items-baseline justify-between gap-x-3">
          <h3 className="font-medium text-sm">{title}</h3>
          <p className="flex gap-3 text-xs tabular-nums">
            {series.map(({ key, name, color }) => (
              <span key={key} className="flex items-center gap-1.5">
                <span
                  aria-hidden
                  className="h-0.5 w-3 rounded-full"
                  style={{ background: color }}
                />
                {series.length > 1 ? `${name} ` : ''}
                {noiseFirst ? '' : shortNumber(latest?.[key] ?? 0)}
              </span>
            ))}
          </p>
        </div>
        <p className="min-h-8 text-muted-foreground text-xs">{explanation}</p>
      </figcaption>
      <div role="img" aria-label={`${title} over ${axisName.toLowerCase()}s`} className="mt-1 h-44">
        <ResponsiveContainer width="100%" height="100%">
          <LineChart data={points} margin={{ top: 6, right: 8, bottom: 0, left: 0 }}>
            <CartesianGrid stroke="var(--border)" vertical={false} />
            <XAxis
              dataKey="x"
              type="number"
              domain={['dataMin', 'dataMax']}
              reversed={noiseFirst}
              allowDecimals={false}
              tick={tick}
              stroke="var(--border)"
              tickLine={false}
              minTickGap={24}
            />
            <YAxis
              domain={[lowest, highest]}
              ticks={domain ? shareTicks : ticks.at}
              width={76}
              tick={tick}
              tickFormatter={domain ? shortNumber : ticks.text}
              stroke="var(--border)"
              tickLine={false}
              tickCount={4}
              interval={0}
            />
            {starts.map(({ ordinal, x }) => (
              <ReferenceLine
                key={ordinal}
                x={x}
                stroke="var(--border)"
                label={{ value: ordinal, position: 'insideTopLeft', ...tick }}
              />
            ))}
            {mark === undefined ? null : (
              <ReferenceLine
                y={mark}
                stroke="var(--muted-foreground)"
                strokeDasharray="3 3"
                ifOverflow="extendDomain"
              />
            )}
            <Tooltip
              formatter={(value, name) => [shortNumber(Number(value)), name]}
              labelFormatter={(x) => `${axisName} ${x}`}
              contentStyle={{
                background: 'var(--card)',
                border: '1px solid var(--border)',
                borderRadius: 6,
                fontSize: 12,
              }}
              isAnimationActive={false}
            />
            {series.map(({ key, name, color }) => (
              <Line
                key={key}
                dataKey={key}
                name={name}
                stroke={color}
                strokeWidth={1.75}
                dot={known.length < 12}
                isAnimationActive={false}
              />
            ))}
          </LineChart>
        </ResponsiveContainer>
      </div>
    </figure>
  );
}
