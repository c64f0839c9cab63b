import { wilsonInterval, winRate } from '@/lib/statistics/proportion';
import type { ShownEvaluation } from '../../api/evaluations/schema';
import { countText, percent, plural } from '../figures/format';
import { commonMax, IntervalBar } from '../figures/interval-bar';
import { Rate, RateText } from '../figures/rate';
import { Card, CardHeading } from '../ui/card';
import { cn } from '../ui/cn';
import { Cell, HeadCell, Table } from '../ui/table';

/** Whether a program has looked at the images. */
function isJudged({ judge, defects }: ShownEvaluation): boolean {
  return judge !== undefined || defects.length > 0;
}

/** Of a measure that one of two judges does not know. */
const unseen = { count: 0, n: 0 };

/**
 * What a round achieved: every rate with its interval and count, before and after; without a
 * `before`, what there is.
 */
export function OutcomeCard({
  before,
  after,
  names: [beforeName, afterName],
}: {
  before: ShownEvaluation | null;
  after: ShownEvaluation;
  names: readonly [before: string, after: string];
}) {
  const won = after.winRate;
  return (
    <Card>
      <CardHeading title="What came of it">
        Measured on {plural(after.images, 'image')} of prompts and seeds that training never sees
        {after.drawing ? `, drawn with ${after.drawing}` : ''}
        {after.judge ? `, by the judge ${after.judge}` : ''}.{' '}
        {isJudged(after)
          ? 'Lines are 95 % intervals.'
          : 'Nothing is judged: no program says what is wrong with the images of this pipeline. What people flag stands under Review.'}
      </CardHeading>
      <div className={cn('grid gap-6', before && 'lg:grid-cols-[minmax(0,1fr)_minmax(0,2fr)]')}>
        {before ? (
          <div className="flex flex-col gap-2">
            <h3 className="font-medium text-sm">
              {afterName} against {beforeName}
            </h3>
            {won ? (
              <>
                <p className="font-semibold text-xl tabular-nums">
                  {percent(winRate(won)?.rate ?? 0)}
                  <span className="ml-2 font-normal text-base text-muted-foreground">won</span>
                </p>
                <IntervalBar interval={winRate(won)} max={1} mark={0.5} />
                <RateText
                  interval={winRate(won)}
                  className="[&>span:first-child]:sr-only"
                  count={`${countText(won.wins)} won, ${countText(won.ties)} tied, ${countText(won.n - won.wins - won.ties)} lost`}
                />
                <p className="text-muted-foreground text-xs">
                  A tie counts half. The thin line is one half: no difference.
                </p>
              </>
            ) : (
              <p className="text-muted-foreground text-sm">
                {after.judge
                  ? 'Not compared: a judge that was taken over from elsewhere counts defects, and decides nothing.'
                  : 'No judge compares these images. Under Policies people can be asked which are better.'}
              </p>
            )}
          </div>
        ) : null}
        <div className="min-w-0">
          <RateRows before={before} after={after} names={[beforeName, afterName]} />
        </div>
      </div>
    </Card>
  );
}

function RateRows({
  before,
  after,
  names,
}: {
  before: ShownEvaluation | null;
  after: ShownEvaluation;
  names: readonly [string, string];
}) {
  const rates = after.defects.map(({ id, label }) => ({ id, label }));
  const rateOf = ({ defects }: ShownEvaluation, id: string) =>
    defects.find((defect) => defect.id === id)?.of ?? unseen;
  const sides = [
    ...(before ? [{ name: names[0], summary: before, tone: 'quiet' as const }] : []),
    { name: names[1], summary: after, tone: 'primary' as const },
  ];
  const max = commonMax(
    sides.flatMap(({ summary }) => rates.map(({ id }) => wilsonInterval(rateOf(summary, id)))),
  );
  const means = [
    { name: 'Prompt followed', of: (summary: ShownEvaluation) => summary.alignment, share: true },
    { name: 'Diversity', of: (summary: ShownEvaluation) => summary.diversity, share: false },
  ].filter(({ of }) => isJudged(after) || sides.some(({ summary }) => of(summary) !== null));
  if (rates.length + means.length === 0 && !after.reward) return null;
  return (
    <Table label="Rates before and after">
      <thead>
        <tr>
          <HeadCell>Measure</HeadCell>
          {rates.length > 0 ? (
            <>
              <HeadCell className="max-sm:hidden">Policy</HeadCell>
              <HeadCell className="w-1/4 max-sm:hidden xl:w-2/5">0 to {percent(max, 0)}</HeadCell>
              <HeadCell>Rate, 95 % interval, count</HeadCell>
            </>
          ) : (
            <HeadCell colSpan={3}>Value</HeadCell>
          )}
        </tr>
      </thead>
      <tbody>
        {rates.flatMap(({ id, label }) =>
          sides.map(({ name: policy, summary, tone }, index) => (
            <tr key={`${id} ${policy}`}>
              <Cell className="sm:whitespace-nowrap">{index === 0 ? label : null}</Cell>
              <Cell className="text-muted-foreground max-sm:hidden">{policy}</Cell>
              <Cell className="max-sm:hidden">
                <IntervalBar interval={wilsonInterval(rateOf(summary, id))} max={max} tone={tone} />
              </Cell>
              <Cell>
                <span className="block text-muted-foreground sm:hidden">{policy}</span>
                <Rate of={rateOf(summary, id)} />
              </Cell>
            </tr>
          )),
        )}
        {means.map(({ name, of, share }) => (
          <tr key={name}>
            <Cell className="sm:whitespace-nowrap">{name}</Cell>
            <Cell colSpan={3} className="tabular-nums">
              {sides
                .map(({ name: policy, summary }) => {
                  const value = of(summary);
                  if (value === null) return `${policy} not measured`;
                  return `${policy} ${share ? percent(value) : value.toFixed(3)}`;
                })
                .join(' → ')}{' '}
              <span className="text-muted-foreground text-xs">
                {share
                  ? `mean share of the prompt's attributes met, ${countText(after.images)} images`
                  : 'mean perceptual distance between images of one prompt'}
              </span>
            </Cell>
          </tr>
        ))}
        {after.reward ? (
          <tr>
            <Cell className="whitespace-nowrap">Reward</Cell>
            <Cell colSpan={3} className="tabular-nums">
              {before ? `${names[0]} ${after.reward.before.toFixed(3)} → ` : ''}
              {names[1]} {after.reward.after.toFixed(3)}{' '}
              <span className="text-muted-foreground text-xs">
                {after.reward.name}; difference {after.reward.low.toFixed(3)} to{' '}
                {after.reward.high.toFixed(3)}, image by image
              </span>
            </Cell>
          </tr>
        ) : null}
      </tbody>
    </Table>
  );
}
