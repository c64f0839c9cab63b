import { ArrowRight, Flag } from 'lucide-react';
import Link from 'next/link';
import { flagCounts } from '@/db/figures/flag-counts';
import type { FlagSource } from '@/lib/flags';
import { wilsonInterval } from '@/lib/statistics/proportion';
import type { PolicyRates } from '../api/review/schema';
import { plural } from '../components/figures/format';
import { commonMax, IntervalBar } from '../components/figures/interval-bar';
import { Rate } from '../components/figures/rate';
import { buttonClass } from '../components/ui/button-class';
import { Card, CardHeading } from '../components/ui/card';
import { loadFirstAndNewest } from '../reads/review/load-rates';
import { type Defect, defectsBy } from '../review/defects';
import { imagesHref } from '../review/images-href';

/** How the newest version compares with the first, and how many flags wait. */
export async function RatesCard() {
  const { judged, rates, drawing } = await loadFirstAndNewest();
  const source = judged.length > 0 ? 'judge' : 'annotator';
  const kinds = defectsBy(source, judged);
  const open = (await flagCounts()).open;
  return (
    <Card className="@container flex flex-col gap-4">
      <CardHeading title="Review">
        {rates.length === 0
          ? 'Rates appear when the first round has been evaluated.'
          : `The first and the newest version, ${sourceTexts[source]}, on the fixed evaluation images${drawing ? `, drawn with ${drawing.words}` : ''}.`}
      </CardHeading>
      <Comparison shown={rates} kinds={kinds} source={source} drawing={drawing?.key} />
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

const sourceTexts: Record<FlagSource, string> = {
  judge: 'by the judge',
  annotator: 'by what people flag (no program judges these images)',
};

function Comparison({
  shown,
  kinds,
  source,
  drawing,
}: {
  shown: PolicyRates[];
  kinds: readonly Defect[];
  source: FlagSource;
  drawing: string | undefined;
}) {
  const max = commonMax(
    shown.flatMap((rate) => kinds.map(({ kind }) => wilsonInterval(rate[kind][source]))),
  );
  return kinds.map(({ kind, name }) => (
    <dl
      key={kind}
      className="grid grid-cols-[minmax(5rem,1fr)_auto] items-center gap-x-3 gap-y-1 @sm:grid-cols-[8rem_minmax(0,1fr)_auto]"
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
              interval={wilsonInterval(rate[kind][source])}
              max={max}
              tone={index === shown.length - 1 ? 'primary' : 'quiet'}
            />
          </dd>
          <dd className="w-40">
            <Link
              href={imagesHref(policy.id, {
                kind,
                source,
                purpose: 'evaluation',
                drawing,
              })}
              className="block text-sm underline-offset-2 hover:underline"
            >
              <Rate of={rate[kind][source]} />
            </Link>
          </dd>
        </div>
      ))}
    </dl>
  ));
}
