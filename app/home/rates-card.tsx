import { ArrowRight, Flag } from 'lucide-react';
import Link from 'next/link';
import { flagCounts } from '@/db/figures/flag-counts';
import { wilsonInterval } from '@/lib/statistics/proportion';
import type { PolicyRates } from '../api/review/schema';
import { plural } from '../components/figures/format';
import { commonMax, IntervalBar } from '../components/figures/interval-bar';
import { Rate } from '../components/figures/rate';
import { buttonClass } from '../components/ui/button-class';
import { Card, CardHeading } from '../components/ui/card';
import { loadFirstAndNewest } from '../reads/review/load-rates';
import { imagesHref } from '../review/images-href';

const defects = [
  { kind: 'hand', name: 'Bad hand' },
  { kind: 'nsfw', name: 'NSFW' },
] as const;

/** How the newest version compares with the first, and how many flags wait. */
export async function RatesCard() {
  const shown = await loadFirstAndNewest();
  const open = (await flagCounts()).open;
  return (
    <Card className="@container flex flex-col gap-4">
      <CardHeading title="Review">
        {shown.length > 0
          ? 'The first and the newest version, by the judge, on the fixed evaluation images.'
          : 'Rates appear when the first round has been evaluated.'}
      </CardHeading>
      <Comparison shown={shown} />
      <div className="mt-auto flex flex-wrap justify-end gap-2">
        <Link href="/review/flags" className={buttonClass({ look: 'quiet' })}>
          <Flag aria-hidden /> {plural(open, 'open flag')}
        </Link>
        <Link href="/review" className={buttonClass()}>
          All rates <ArrowRight aria-hidden />
        </Link>
      </div>
    </Card>
  );
}

function Comparison({ shown }: { shown: PolicyRates[] }) {
  const max = commonMax(
    shown.flatMap((rate) => defects.map(({ kind }) => wilsonInterval(rate[kind].judge))),
  );
  return defects.map(({ kind, name }) => (
    <dl
      key={kind}
      className="grid grid-cols-[minmax(5rem,1fr)_auto] items-center gap-x-3 gap-y-1 @sm:grid-cols-[5rem_minmax(0,1fr)_auto]"
    >
      {shown.map(({ policy, ...rate }, index) => (
        <div
          key={policy.id}
          className="col-span-2 grid grid-cols-subgrid items-center @sm:col-span-3"
        >
          <dt className="min-w-0 truncate text-sm">
            <span className={index === 0 ? 'block font-medium' : 'sr-only'}>{name}</span>
            <span className="text-muted-foreground text-xs">{policy.name}</span>
          </dt>
          <dd className="hidden @sm:block">
            <IntervalBar
              interval={wilsonInterval(rate[kind].judge)}
              max={max}
              tone={index === shown.length - 1 ? 'primary' : 'quiet'}
            />
          </dd>
          <dd className="w-40">
            <Link
              href={imagesHref(policy.id, { kind, source: 'judge', purpose: 'evaluation' })}
              className="block text-sm underline-offset-2 hover:underline"
            >
              <Rate of={rate[kind].judge} />
            </Link>
          </dd>
        </div>
      ))}
    </dl>
  ));
}
