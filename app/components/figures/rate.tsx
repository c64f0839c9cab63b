import { type Interval, type Proportion, wilsonInterval } from '@/lib/statistics/proportion';
import { cn } from '../ui/cn';
import { countText, percent, rangeText } from './format';

/** A rate as it must be shown: never without its 95 % interval and its count. */
export function Rate({ of, className }: { of: Proportion; className?: string }) {
  return (
    <RateText
      interval={wilsonInterval(of)}
      count={`${countText(of.count)} of ${countText(of.n)}`}
      className={className}
    />
  );
}

/** A rate that is no plain proportion, with the words that say what it was counted from. */
export function RateText({
  interval,
  count,
  className,
}: {
  interval: Interval | null;
  count: string;
  className?: string;
}) {
  if (!interval) return <span className="text-muted-foreground">not measured</span>;
  return (
    <span className={cn('inline-flex flex-col tabular-nums', className)}>
      <span className="font-medium">{percent(interval.rate)}</span>
      <span className="text-muted-foreground text-xs whitespace-nowrap">
        {rangeText(interval)}
        <span className="max-xl:hidden"> · </span>
        <span className="max-xl:block">{count}</span>
      </span>
    </span>
  );
}
