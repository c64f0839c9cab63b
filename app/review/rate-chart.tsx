'use client';

import Link from 'next/link';
import type { FlagSource } from '@/lib/flags';
import { type Interval, wilsonInterval } from '@/lib/statistics/proportion';
import type { PolicyRates, RatesQuery } from '../api/review/schema';
import { countText, percent, rangeText } from '../components/figures/format';
import { commonMax } from '../components/figures/interval-bar';
import { cn } from '../components/ui/cn';
import { ScrollBox } from '../components/ui/scroll-box';
import type { Defect } from './defects';
import { imagesHref } from './images-href';

/** Which images of a version are counted. */
export type CountedImages = Pick<RatesQuery, 'purpose' | 'drawing'>;

const gridShares = [1, 0.75, 0.5, 0.25, 0];

/**
 * Rates per version as dots with their 95 % intervals as whiskers; each dot leads to its images.
 * Drawn with boxes, not by script: it stands with the first paint and takes any width.
 */
export function RateChart({
  rates,
  defects,
  source,
  images,
}: {
  rates: PolicyRates[];
  defects: readonly Defect[];
  source: FlagSource;
  images: CountedImages;
}) {
  const max = commonMax(
    rates.flatMap((rate) => defects.map(({ kind }) => wilsonInterval(rate[kind][source]))),
  );
  return (
    <figure>
      <figcaption className="mb-3 flex flex-wrap gap-x-5 gap-y-1 text-sm">
        {defects.map(({ kind, name, dot }) => (
          <span key={kind} className="flex items-center gap-2">
            <span aria-hidden className={cn('size-2.5 rounded-full', dot)} />
            {name}
          </span>
        ))}
      </figcaption>
      <div className="flex">
        <div aria-hidden className="relative mr-2 h-56 w-10 shrink-0">
          {gridShares.map((share) => (
            <span
              key={share}
              className="absolute right-0 translate-y-1/2 text-muted-foreground text-xs tabular-nums"
              style={{ bottom: `${100 * share}%` }}
            >
              {percent(share * max, 0)}
            </span>
          ))}
        </div>
        {/* Written from right to left, a box starts out scrolled to its right end: the newest versions. */}
        <ScrollBox label="Rates by version" className="-mt-3 min-w-0 flex-1 pt-3 [direction:rtl]">
          <div className="min-w-fit [direction:ltr]">
            <div className="relative h-56 border-b">
              {gridShares.slice(0, -1).map((share) => (
                <span
                  key={share}
                  aria-hidden
                  className="absolute inset-x-0 h-px bg-border/70"
                  style={{ bottom: `${100 * share}%` }}
                />
              ))}
              <ul className="absolute inset-0 flex">
                {rates.map((rate) => (
                  <li key={rate.policy.id} className="flex min-w-20 flex-1 justify-center gap-3">
                    {defects.map(({ kind, name, dot, whisker }) => {
                      const of = rate[kind][source];
                      const interval = wilsonInterval(of);
                      return interval ? (
                        <Dot
                          key={kind}
                          interval={interval}
                          max={max}
                          className={dot}
                          whiskerClass={whisker}
                          href={imagesHref(rate.policy.id, { kind, source, ...images })}
                          label={`${rate.policy.name}, ${name}: ${percent(interval.rate)}, ${rangeText(interval)}, ${countText(of.count)} of ${countText(of.n)}`}
                        />
                      ) : null;
                    })}
                  </li>
                ))}
              </ul>
            </div>
            <ul aria-hidden className="flex">
              {rates.map(({ policy }) => (
                <li
                  key={policy.id}
                  className="min-w-20 flex-1 truncate px-1 pt-2 text-center text-muted-foreground text-xs"
                >
                  {policy.name}
                </li>
              ))}
            </ul>
          </div>
        </ScrollBox>
      </div>
    </figure>
  );
}

function Dot({
  interval,
  max,
  href,
  label,
  className,
  whiskerClass,
}: {
  interval: Interval;
  max: number;
  href: string;
  label: string;
  className: string;
  whiskerClass: string;
}) {
  const at = (rate: number) => `${(100 * rate) / max}%`;
  return (
    <div className="relative h-full w-6">
      <span
        aria-hidden
        className={cn('absolute left-1/2 w-1 -translate-x-1/2 rounded-full', whiskerClass)}
        style={{ bottom: at(interval.low), top: `calc(100% - ${at(interval.high)})` }}
      />
      <Link
        href={href}
        aria-label={label}
        title={label}
        className="absolute left-1/2 flex size-6 -translate-x-1/2 translate-y-1/2 items-center justify-center rounded-full"
        style={{ bottom: at(interval.rate) }}
      >
        <span className={cn('size-3 rounded-full ring-2 ring-card', className)} />
      </Link>
    </div>
  );
}
