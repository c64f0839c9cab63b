'use client';

import { type Answer, answerDescriptions, answers } from '@/lib/answers';
import { sourceOf } from '@/lib/methods';
import { windowSteps } from '@/lib/settings/sampling';
import type { ArchiveData } from '@/lib/training/archive';
import type {
  RoundDetail,
  TrainingDataView,
  TrainingLabelView,
  TrainingPairView,
} from '../../api/rounds/schema';
import { countText, percent, plural } from '../../components/figures/format';
import { Rate } from '../../components/figures/rate';
import { DefectMarks, Picture } from '../../components/film/picture';
import { Card, CardHeading } from '../../components/ui/card';
import { Shares } from '../shares';

/** What a round trained on: what people answered in it, or what they had said before it. */
export function DataCard({ detail }: { detail: RoundDetail }) {
  const archive = detail.trainingData?.archive;
  const learnsFrom = sourceOf(detail.round.run.method);
  // Nobody is asked; what was said before is frozen in a moment.
  if (learnsFrom === 'archive' && !archive) return null;
  return archive ? (
    <ArchiveCard detail={detail} archive={archive} />
  ) : (
    <AnswersCard detail={detail} />
  );
}

/** What was there when the round opened, where it came from, and what of it is trained on. */
function ArchiveCard({ detail, archive }: { detail: RoundDetail; archive: ArchiveData }) {
  const { trainingData, trainingPairs, trainingLabels } = detail;
  if (!trainingData) return null;
  const { labels, images, imported, encoded, annotators } = archive;
  const what = labels
    ? `${plural(labels.good, 'good image')} and ${plural(labels.bad, 'bad one')}`
    : plural(trainingData.trainingPairs, 'training pair');
  const places = [plural(archive.rounds, 'round')];
  if (archive.imports > 0) places.push(plural(archive.imports, 'import'));
  return (
    <Card>
      <CardHeading title="What it was trained on">
        {`${what} from ${plural(trainingData.answers, 'answer')} of ${plural(annotators, 'person', 'people')} in ${places.join(' and ')}, frozen when this round opened.`}
      </CardHeading>
      {annotators === 1 ? (
        <p className="mb-4 text-sm">All of it is one person’s taste: nobody else has judged.</p>
      ) : null}
      <div className="grid gap-6 md:grid-cols-2">
        <Shares
          title="Images"
          total={images}
          parts={[
            { name: 'Latents as they were drawn', count: images - encoded },
            { name: 'Latents from the VAE encoder', count: encoded - imported },
            { name: 'Imported, from the VAE encoder', count: imported },
          ]}
        />
        <Shares
          title="Where answers went"
          total={trainingData.answers}
          parts={fateOf(trainingData)}
        />
      </div>
      {labels ? (
        <p className="mt-4 text-muted-foreground text-sm">
          Bad: flagged by a person and not rejected in review, tagged in a group, or in a pair of
          which both are bad. Good: none of these, and untagged in a tagged group, or the winner of
          a pair. {plural(archive.flags, 'flag')} counted.
        </p>
      ) : null}
      {trainingPairs.length > 0 ? <PairStrip pairs={trainingPairs} detail={detail} /> : null}
      {trainingLabels.length > 0 ? <LabelStrip labels={trainingLabels} total={images} /> : null}
    </Card>
  );
}

/** What people answered, and what of it was trained on. */
function AnswersCard({ detail }: { detail: RoundDetail }) {
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
            {countText(round.progress.labeled)} of {countText(round.progress.preferencesWanted)}{' '}
            answers are in.
          </p>
        )}
      </div>
      {given.heldBack.length > 0 ? (
        <p className="mt-4 text-sm">
          {trainingData ? 'Paused now' : 'Will be held back'}:{' '}
          {given.heldBack
            .map(({ name, answers: held }) => `${plural(held, 'answer')} by ${name}`)
            .join(', ')}
          . A reviewer or an admin has paused them.
        </p>
      ) : null}
      {total > 0 ? <Ties detail={detail} total={total} /> : null}
      {trainingPairs.length > 0 ? <PairStrip pairs={trainingPairs} detail={detail} /> : null}
    </Card>
  );
}

/** How often people see no difference: what a narrow window of noise costs. */
function Ties({ detail, total }: { detail: RoundDetail; total: number }) {
  const { sharedNoise, noiseWindow, inferenceSteps } = detail.config.sampling;
  if (!sharedNoise) return null;
  const steps = windowSteps(noiseWindow, inferenceSteps);
  return (
    <div className="mt-4 flex flex-wrap items-baseline gap-x-2 text-sm">
      <span>
        Ties between images of one start that differ by the noise of {countText(steps)} of{' '}
        {plural(inferenceSteps, 'step')}:
      </span>
      <Rate of={{ count: detail.answers.byAnswer.tie ?? 0, n: total }} />
    </div>
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

/**
 * The first training pairs, the winner with a frame around it, as one would circle it on a contact
 * sheet.
 */
function PairStrip({ pairs, detail }: { pairs: TrainingPairView[]; detail: RoundDetail }) {
  const total = detail.trainingData?.trainingPairs ?? pairs.length;
  const doubted = pairs.some(({ smoothing }) => smoothing > 0);
  return (
    <div className="mt-6">
      <h3 className="mb-2 font-medium text-sm">
        Training pairs{' '}
        <span className="font-normal text-muted-foreground">
          the first {countText(pairs.length)} of {countText(total)}; the winner is framed
          {doubted ? ', behind “?” stands how likely its label is held to be wrong' : ''}
        </span>
      </h3>
      <ul className="grid grid-cols-3 gap-2 rounded-md bg-film p-3 sm:grid-cols-4 md:grid-cols-6 xl:grid-cols-12">
        {pairs.map(({ ordinal, prompt, weight, smoothing, winner, loser }) => (
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
              <span className="flex gap-2">
                <span>{weight === 1 ? '' : `×${weight.toFixed(2)}`}</span>
                <span>{smoothing > 0 ? `?${percent(smoothing, 0)}` : ''}</span>
              </span>
            </p>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The first images that are trained on by themselves; good ones are framed. */
function LabelStrip({ labels, total }: { labels: TrainingLabelView[]; total: number }) {
  return (
    <div className="mt-6">
      <h3 className="mb-2 font-medium text-sm">
        Images{' '}
        <span className="font-normal text-muted-foreground">
          the first {countText(labels.length)} of {countText(total)}; good ones are framed
        </span>
      </h3>
      <ul className="grid grid-cols-3 gap-2 rounded-md bg-film p-3 sm:grid-cols-4 md:grid-cols-6 xl:grid-cols-12">
        {labels.map(({ ordinal, prompt, good, image }) => (
          <li key={ordinal} className="min-w-0" title={prompt}>
            <div className={good ? 'relative outline-2 outline-film-ink' : 'relative opacity-70'}>
              <Picture image={image} prompt={`${good ? 'Good' : 'Bad'}: ${prompt}`} />
              <DefectMarks image={image} />
            </div>
          </li>
        ))}
      </ul>
    </div>
  );
}
