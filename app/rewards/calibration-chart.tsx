import type { RewardReport } from '@/lib/rewards';
import { wilsonInterval } from '@/lib/statistics/proportion';
import { percent } from '../components/figures/format';

const size = 240;
const margin = { left: 38, bottom: 34, top: 8, right: 8 };
const ticks = [0, 0.25, 0.5, 0.75, 1];

/**
 * What was predicted against what came, bin by bin with 95 % intervals; on the diagonal promises
 * are kept.
 */
export function CalibrationChart({
  bins,
  least,
}: {
  bins: RewardReport['calibration'];
  /**
   * The least probability predicted: a comparison is read from the side that is predicted to win.
   */
  least: 0 | 0.5;
}) {
  const shown = ticks.filter((tick) => tick >= least);
  const inner = size - margin.left - margin.right;
  const height = size - margin.top - margin.bottom;
  const x = (share: number) => margin.left + ((share - least) / (1 - least)) * inner;
  const y = (share: number) => margin.top + (1 - share) * height;
  return (
    <figure>
      <figcaption className="mb-1">
        <h3 className="font-medium text-sm">Calibration</h3>
        <p className="text-muted-foreground text-xs">
          How often people said what it predicted. On the line it is as sure as it should be.
        </p>
      </figcaption>
      <svg
        viewBox={`0 0 ${size} ${size}`}
        className="w-full max-w-80"
        role="img"
        aria-label={bins
          .map(
            ({ predicted, observed: { count, n } }) =>
              `predicted ${percent(predicted, 0)}, came ${count} of ${n}`,
          )
          .join('; ')}
      >
        {ticks.map((tick) => (
          <g key={tick}>
            <line
              x1={margin.left}
              x2={size - margin.right}
              y1={y(tick)}
              y2={y(tick)}
              stroke="var(--border)"
            />
            <text
              x={margin.left - 6}
              y={y(tick)}
              textAnchor="end"
              dominantBaseline="middle"
              className="fill-muted-foreground text-[10px] tabular-nums"
            >
              {percent(tick, 0)}
            </text>
          </g>
        ))}
        {shown.map((tick) => (
          <text
            key={tick}
            x={x(tick)}
            y={size - margin.bottom + 14}
            textAnchor={tick === 1 ? 'end' : 'middle'}
            className="fill-muted-foreground text-[10px] tabular-nums"
          >
            {percent(tick, 0)}
          </text>
        ))}
        <text
          x={margin.left + inner / 2}
          y={size - 4}
          textAnchor="middle"
          className="fill-muted-foreground text-[10px]"
        >
          predicted
        </text>
        <line
          x1={x(least)}
          y1={y(least)}
          x2={x(1)}
          y2={y(1)}
          stroke="var(--muted-foreground)"
          strokeDasharray="3 3"
        />
        {bins.map(({ predicted, observed }) => {
          const interval = wilsonInterval(observed);
          if (!interval) return null;
          return (
            <g key={predicted}>
              <line
                x1={x(predicted)}
                x2={x(predicted)}
                y1={y(interval.low)}
                y2={y(interval.high)}
                stroke="var(--chart-1)"
                strokeOpacity={0.4}
                strokeWidth={3}
                strokeLinecap="round"
              />
              <circle cx={x(predicted)} cy={y(interval.rate)} r={4} fill="var(--chart-1)" />
            </g>
          );
        })}
      </svg>
    </figure>
  );
}
