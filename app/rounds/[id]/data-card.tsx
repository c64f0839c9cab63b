'use client';

import { type Answer, answerDescriptions, answers } from '@/lib/answers';
import type { RoundDetail, TrainingDataView, TrainingPairView } from '../../api/rounds/schema';
import { countText, plural } from '../../components/figures/format';
import { DefectMarks, Picture } from '../../components/film/picture';
import { Card, CardHeading } from '../../components/ui/card';

/** What people answered, and what of it was trained on. */
export function DataCard({ detail }: { detail: RoundDetail }) {
  const { answers: given, trainingData, trainingPairs, round } = detail;
  const total = answers.reduce((sum, answer) => sum + (given.byAnswer[answer] ?? 0), 0);
  return (
    <Card>
      <CardHeading title="What it was trained on">
        {trainingData
          ? `${plural(trainingData.trainingPairs, 'training pair')} from ${plural(trainingData.answers, 'answer')} of ${plural(given.annotators, 'person', 'people')}, frozen when labeling ended.`
          : 'Answers are frozen into training pairs when labeling ends. Ties and “both bad” are kept and counted, but say nothing to train on.'}
      </CardHeading>
      <div className="grid gap-6 md:grid-cols-2">
        <Shares
          title="Answers"
          total={total}
          parts={answers.map((answer: Answer) => ({
            name: answerDescriptions[answer].label,
            count: given.byAnswer[answer] ?? 0,
          }))}
        />
        {trainingData ? (
          <Shares
            title="Where they went"
            total={trainingData.answers}
            parts={fateOf(trainingData)}
          />
        ) : (
          <p className="self-center text-muted-foreground text-sm">
            {given.heldBack > 0
              ? `${plural(given.heldBack, 'answer')} by paused annotators will be held back.`
              : `${countText(round.progress.labeled)} of ${countText(round.progress.preferencesWanted)} answers are in.`}
          </p>
        )}
      </div>
      {trainingPairs.length > 0 ? <PairStrip pairs={trainingPairs} detail={detail} /> : null}
    </Card>
  );
}

function fateOf(data: TrainingDataView) {
  return [
    { name: 'Trained on', count: data.used },
    { name: 'Tie, both bad or undecided', count: data.undecided },
    { name: 'Held back: annotator paused', count: data.heldBack },
    { name: 'Too young: could be undone', count: data.tooYoung },
  ];
}

const fills = ['bg-chart-1', 'bg-chart-2', 'bg-chart-3', 'bg-chart-4'];

/** Parts of a whole as one bar and, because a bar alone is no number, as a list. */
function Shares({
  title,
  total,
  parts,
}: {
  title: string;
  total: number;
  parts: { name: string; count: number }[];
}) {
  return (
    <div className="min-w-0">
      <h3 className="font-medium text-sm">
        {title} <span className="font-normal text-muted-foreground">{countText(total)}</span>
      </h3>
      <div aria-hidden className="mt-2 flex h-2 gap-px overflow-hidden rounded-full bg-muted">
        {parts.map(({ name, count }, index) => (
          <div
            key={name}
            className={fills[index]}
            style={{ width: `${total > 0 ? (100 * count) / total : 0}%` }}
          />
        ))}
      </div>
      <dl className="mt-2 text-sm">
        {parts.map(({ name, count }, index) => (
          <div key={name} className="flex items-center gap-2 py-0.5">
            <span aria-hidden className={`size-2.5 shrink-0 rounded-sm ${fills[index]}`} />
            <dt className="min-w-0 flex-1 truncate">{name}</dt>
            <dd className="text-muted-foreground tabular-nums">{countText(count)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** The first training pairs, the winner with a frame around it, as one would circle it on a contact sheet. */
function PairStrip({ pairs, detail }: { pairs: TrainingPairView[]; detail: RoundDetail }) {
  const total = detail.trainingData?.trainingPairs ?? pairs.length;
  return (
    <div className="mt-6">
      <h3 className="mb-2 font-medium text-sm">
        Training pairs{' '}
        <span className="font-normal text-muted-foreground">
          the first {countText(pairs.length)} of {countText(total)}; the winner is framed
        </span>
      </h3>
      <ul className="grid grid-cols-3 gap-2 rounded-md bg-film p-3 sm:grid-cols-4 md:grid-cols-6 xl:grid-cols-12">
        {pairs.map(({ ordinal, prompt, weight, winner, loser }) => (
          <li key={ordinal} className="min-w-0" title={prompt}>
            <div className="relative outline-2 outline-film-ink">
              <Picture image={winner} prompt={`Winner: ${prompt}`} />
              <DefectMarks image={winner} />
            </div>
            <div className="relative mt-1">
              <Picture image={loser} prompt={`Loser: ${prompt}`} className="opacity-70" />
              <DefectMarks image={loser} />
            </div>
            <p className="edge-print mt-1 flex justify-between gap-1 text-film-ink/90">
              <span>{ordinal + 1}</span>
              <span>{weight === 1 ? '' : `×${weight.toFixed(2)}`}</span>
            </p>
          </li>
        ))}
      </ul>
    </div>
  );
}
