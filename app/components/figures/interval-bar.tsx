import type { Interval } from '@/lib/statistics/proportion';
import { cn } from '../ui/cn';

const tones = {
  primary: 'bg-chart-1',
  second: 'bg-chart-2',
  quiet: 'bg-muted-foreground',
};

/**
 * A rate as a dot on a line as long as its 95 % interval. The numbers stand beside it as text, so
 * it is decoration to a screen reader. `max` is the rate at the right end; `mark` draws a thin
 * line.
 */
export function IntervalBar({
  interval,
  max,
  mark,
  tone = 'primary',
}: {
  interval: Interval | null;
  max: number;
  mark?: number;
  tone?: keyof typeof tones;
}) {
  const at = (rate: number) => `${(100 * Math.min(rate, max)) / max}%`;
  return (
    <div aria-hidden className="relative h-5 min-w-32">
      <div className="absolute inset-x-0 top-1/2 h-px bg-border" />
      {mark === undefined ? null : (
        <div
          className="absolute inset-y-0 w-px bg-muted-foreground/60"
          style={{ left: at(mark) }}
        />
      )}
      {interval ? (
        <>
          <div
            className={cn(
              'absolute top-1/2 h-1 -translate-y-1/2 rounded-full opacity-40',
              tones[tone],
            )}
            style={{ left: at(interval.low), right: `calc(100% - ${at(interval.high)})` }}
          />
          <div
            className={cn(
              'absolute top-1/2 size-2.5 -translate-x-1/2 -translate-y-1/2 rounded-full ring-2 ring-card',
              tones[tone],
            )}
            style={{ left: at(interval.rate) }}
          />
        </>
      ) : null}
    </div>
  );
}

/** Ends of a scale whose quarters are round numbers too. */
const scaleEnds = [0.04, 0.08, 0.12, 0.2, 0.4, 0.6, 0.8, 1];

/**
 * The shortest scale that holds all of these intervals, so that bars below each other can share it.
 */
export function commonMax(intervals: readonly (Interval | null)[]): number {
  const highest = Math.max(0, ...intervals.map((interval) => interval?.high ?? 0));
  return scaleEnds.find((end) => end >= highest) ?? 1;
}
