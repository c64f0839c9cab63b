import { flagDescriptions } from '@/lib/flags';
import { importedJudges } from '@/lib/judges/imported';
import { cohensKappa, type Marked } from '@/lib/statistics/agreement';
import type { JudgeView } from '../api/review/schema';
import { countText, plural } from '../components/figures/format';
import { Rate } from '../components/figures/rate';
import { Card, CardHeading } from '../components/ui/card';
import { Cell, HeadCell, Table } from '../components/ui/table';

/** What the judge is, and how far it agrees with people where both have looked. */
export function JudgeCard({ judge: { parts, agreement } }: { judge: JudgeView }) {
  return (
    <Card>
      <CardHeading title="How far to believe the judge">
        Images of the newest versions that people have looked at, too. People flag what they notice:
        what nobody flagged need not be sound, so the judge is right at least as often as it seems.
        Kappa is 1 where they always agree, 0 where as often as chance.
      </CardHeading>
      <Table label="Agreement of the judge with people">
        <thead>
          <tr>
            <HeadCell>Marks</HeadCell>
            <HeadCell>Of what the judge marks, people mark</HeadCell>
            <HeadCell>Of what people mark, the judge marks</HeadCell>
            <HeadCell>Kappa</HeadCell>
            <HeadCell className="text-right max-sm:hidden">Images</HeadCell>
          </tr>
        </thead>
        <tbody className="[&_tr:last-child_td]:border-b-0">
          {agreement.map(({ kind, marked }) => (
            <Row key={kind} name={flagDescriptions[kind].label} marked={marked} />
          ))}
        </tbody>
      </Table>
      {parts.map((part) => (
        <PartText key={part.kind} part={part} />
      ))}
    </Card>
  );
}

function Row({ name, marked }: { name: string; marked: Marked }) {
  const { both, firstOnly, secondOnly, neither } = marked;
  const kappa = cohensKappa(marked);
  return (
    <tr>
      <Cell className="font-medium">{name}</Cell>
      <Cell>
        <Rate of={{ count: both, n: both + firstOnly }} />
      </Cell>
      <Cell>
        <Rate of={{ count: both, n: both + secondOnly }} />
      </Cell>
      <Cell className="tabular-nums">
        {kappa ? (
          <span className="inline-flex flex-col">
            <span className="font-medium">{kappa.rate.toFixed(2)}</span>
            <span className="whitespace-nowrap text-muted-foreground text-xs">
              {kappa.low.toFixed(2)} to {kappa.high.toFixed(2)}
            </span>
          </span>
        ) : (
          <span className="text-muted-foreground">cannot be told</span>
        )}
      </Cell>
      <Cell numeric className="max-sm:hidden">
        {countText(both + firstOnly + secondOnly + neither)}
      </Cell>
    </tr>
  );
}

function PartText({ part: { kind, source, settings } }: { part: JudgeView['parts'][number] }) {
  const judge = importedJudges[kind];
  return (
    <section className="mt-6 flex flex-col gap-2 text-sm">
      <h3 className="font-medium">
        {judge.label}: {source}
      </h3>
      <p>
        <span className="text-muted-foreground">Trained on: </span>
        {judge.trainedOn}
      </p>
      <p>
        <span className="text-muted-foreground">What it does not see: </span>
        {judge.limits}
      </p>
      <p>
        <span className="text-muted-foreground">Licence: </span>
        {judge.licence}
      </p>
      <details>
        <summary className="cursor-pointer text-muted-foreground">
          {plural(Object.keys(judge.settings).length, 'setting')}
        </summary>
        <dl className="mt-2 grid gap-x-4 gap-y-1 sm:grid-cols-[auto_minmax(0,1fr)]">
          {Object.entries(judge.settings).map(([name, { label, explanation }]) => (
            <div key={name} className="contents">
              <dt className="tabular-nums">
                {label} {settings[name]}
              </dt>
              <dd className="text-muted-foreground">{explanation}</dd>
            </div>
          ))}
        </dl>
      </details>
    </section>
  );
}
