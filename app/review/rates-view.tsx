'use client';

import { ScanSearch } from 'lucide-react';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import type { FlagSource } from '@/lib/flags';
import { wilsonInterval } from '@/lib/statistics/proportion';
import type { PolicyRates, RatesQuery, RatesView as View } from '../api/review/schema';
import { DrawingSelect, drawnWith } from '../components/evaluation/drawing-select';
import { countText } from '../components/figures/format';
import { Rate } from '../components/figures/rate';
import { Badge } from '../components/ui/badge';
import { Card, CardHeading } from '../components/ui/card';
import { Notice } from '../components/ui/notice';
import { Select } from '../components/ui/select';
import { ShowMore } from '../components/ui/show-more';
import { Cell, HeadCell, Table } from '../components/ui/table';
import { BeliefBadges } from './belief';
import { type Defect, defectsBy } from './defects';
import { imagesHref } from './images-href';
import { JudgeCard } from './judge-card';
import { useRates } from './queries';
import { type CountedImages, RateChart } from './rate-chart';
import { withParams } from './search-params';

const sourceOptions: { value: FlagSource; label: string; hint: string }[] = [
  { value: 'judge', label: 'Seen by the judge', hint: 'Of the images the judge has read.' },
  {
    value: 'annotator',
    label: 'Flagged by people',
    hint: 'Of the images that people have looked at. They flag what they notice, so it is a lower bound.',
  },
];

const isOfPeople = ({ value }: { value: FlagSource }) => value === 'annotator';

const purposeOptions: { value: RatesQuery['purpose']; label: string; hint: string }[] = [
  {
    value: 'evaluation',
    label: 'Evaluation images',
    hint: 'Prompts and seeds that training never sees.',
  },
  {
    value: 'training',
    label: 'Training images',
    hint: 'What people labeled; new prompts each round.',
  },
  { value: 'any', label: 'All images', hint: 'Everything a version has drawn.' },
];

/** Hand-defect and NSFW rates per version, as a chart and as the table behind it. */
export function RatesView({ initial, query }: { initial: View; query: RatesQuery }) {
  const router = useRouter();
  const { rates, total, judged, judge, drawings, drawing, more } = useRates(query, initial);
  const isJudged = judged.length > 0;
  const [chosen, setSource] = useState<FlagSource>('judge');
  const source = isJudged ? chosen : 'annotator';
  const defects = defectsBy(source, judged);
  const images = { purpose: query.purpose, drawing: drawing ?? undefined };
  const drawn = drawnWith(drawings, drawing);
  const show = (change: Partial<RatesQuery>) =>
    router.push(withParams('/review', { ...query, ...change }), { scroll: false });

  return (
    <div className="flex flex-col gap-6">
      <div className="flex flex-wrap gap-3">
        <Select
          label="Source"
          value={source}
          options={isJudged ? sourceOptions : sourceOptions.filter(isOfPeople)}
          onChange={setSource}
          className="w-52"
        />
        <Select
          label="Images"
          value={query.purpose}
          options={purposeOptions}
          onChange={(purpose) => show({ purpose })}
          className="w-52"
        />
        <DrawingSelect
          drawings={drawings}
          drawing={drawing}
          onChange={(next) => show({ drawing: next })}
          className="w-auto max-w-full"
        />
        {judge && source === 'judge' ? <BeliefBadges judge={judge} /> : null}
      </div>
      {isJudged ? null : (
        <p className="text-muted-foreground text-sm">
          Nothing is judged: no program says what is wrong with the images of this pipeline. These
          are the rates of what people flag.
        </p>
      )}
      {rates.length === 0 ? (
        <Notice icon={ScanSearch} title="Nothing has been measured yet">
          Rates appear when the first round has drawn its images
          {query.purpose === 'evaluation'
            ? ' for evaluation. Training images may be there already'
            : ''}
          .
        </Notice>
      ) : (
        <Card>
          <CardHeading title="By version">
            {drawn ? `Images ${drawn}. ` : ''}Whiskers are 95 % intervals (Wilson). Every rate leads
            to the images behind it. Better or worse than its parent: in the round that made the
            version, both drawn so.
          </CardHeading>
          <div className="mb-4 empty:hidden">
            <ShowMore
              shown={rates.length}
              total={total}
              what="Earlier versions"
              busy={more.isFetchingNextPage}
              onMore={more.hasNextPage ? () => more.fetchNextPage() : null}
            />
          </div>
          <RateChart rates={rates} defects={defects} source={source} images={images} />
          <div className="mt-6">
            <RatesTable rates={rates} defects={defects} source={source} images={images} />
          </div>
        </Card>
      )}
      {judge ? <JudgeCard judge={judge} /> : null}
    </div>
  );
}

function RatesTable({
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
  return (
    <Table label="Defect rates by version">
      <thead>
        <tr>
          <HeadCell>Version</HeadCell>
          {defects.map(({ kind, name }) => (
            <HeadCell key={kind}>{name}</HeadCell>
          ))}
          <HeadCell className="text-right max-sm:hidden">Images drawn</HeadCell>
        </tr>
      </thead>
      <tbody className="[&_tr:last-child_td]:border-b-0">
        {rates.map((rate) => {
          const compared =
            source === 'judge' && images.purpose === 'evaluation' && rate.againstParent;
          return (
            <tr key={rate.policy.id}>
              <Cell className="whitespace-nowrap font-medium">
                <Link href={`/policies/${rate.policy.id}`} className="hover:underline">
                  {rate.policy.name}
                </Link>
              </Cell>
              {defects.map(({ kind, name }) => (
                <Cell key={kind}>
                  <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
                    <Link
                      href={imagesHref(rate.policy.id, { kind, source, ...images })}
                      aria-label={`Images of ${rate.policy.name}: ${name}`}
                      className="rounded-sm underline-offset-2 hover:underline"
                    >
                      <Rate of={rate[kind][source]} />
                    </Link>
                    {compared && <Change of={compared[kind]} />}
                  </div>
                </Cell>
              ))}
              <Cell numeric className="max-sm:hidden">
                <Link
                  href={imagesHref(rate.policy.id, images)}
                  className="underline-offset-2 hover:underline"
                >
                  {countText(rate.images)}
                </Link>
              </Cell>
            </tr>
          );
        })}
      </tbody>
    </Table>
  );
}

/** Says so where a version differs from its parent beyond both their intervals. */
function Change({ of }: { of: NonNullable<PolicyRates['againstParent']>['hand'] }) {
  const before = of && wilsonInterval(of.before);
  const after = of && wilsonInterval(of.after);
  if (!before || !after) return null;
  if (after.low > before.high) return <ChangeBadge tone="negative" word="Worse" />;
  if (after.high < before.low) return <ChangeBadge tone="positive" word="Better" />;
  return null;
}

function ChangeBadge({ tone, word }: { tone: 'positive' | 'negative'; word: string }) {
  return (
    <Badge tone={tone}>
      <span>
        {word}
        <span className="max-sm:hidden"> than its parent</span>
      </span>
    </Badge>
  );
}
