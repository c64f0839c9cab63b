'use client';

import { TriangleAlert } from 'lucide-react';
import dynamic from 'next/dynamic';
import Link from 'next/link';
import { methods, sourceOf } from '@/lib/methods';
import { isFinished } from '@/lib/rounds';
import type { RoundDetail } from '../../api/rounds/schema';
import { HackingNotice } from '../../components/evaluation/hacking-notice';
import { OutcomeCard } from '../../components/evaluation/outcome-card';
import { Page } from '../../components/shell/page-frame';
import { Moment } from '../../components/ui/moment';
import { Skeleton } from '../../components/ui/skeleton';
import { Phases } from '../phases';
import { useLiveRounds, useRound } from '../queries';
import { RoundControls } from '../round-controls';
import { StateBadge } from '../state-badge';
import { TrainerLine } from '../trainer-line';
import { ConfigurationCard } from './configuration-card';
import { DataCard } from './data-card';
import { Failure } from './failure';
import { FramesCard } from './frames-card';

const CurvesCard = dynamic(() => import('./curves-card').then((module) => module.CurvesCard), {
  ssr: false,
  loading: () => <Skeleton className="h-168" />,
});

/** One round from its data to what came of it, live as long as it is under way. */
export function RoundView({
  initial,
  mayManage,
  blurNsfw,
}: {
  initial: RoundDetail;
  mayManage: boolean;
  blurNsfw: boolean;
}) {
  const detail = useRound(initial);
  useLiveRounds();
  const { round, trainer } = detail;
  const { run, startPolicy, resultPolicy } = round;
  const hasTrained = round.progress.trainedSteps > 0 || round.state === 'training';

  return (
    <Page
      title={`${run.name}, round ${round.ordinal}`}
      lead={
        <>
          <span className="mr-2 inline-block align-middle">
            <StateBadge state={round.state} held={round.held} />
          </span>
          {methods[run.method].label} from <PolicyLink {...startPolicy} />
          {resultPolicy ? (
            <>
              {' '}
              to <PolicyLink {...resultPolicy} />
            </>
          ) : null}
          , started by {run.startedBy ?? 'Darkroom'} on <Moment ms={round.createdAt} />
        </>
      }
      action={mayManage ? <RoundControls round={round} /> : null}
    >
      <div data-blur={blurNsfw || undefined} className="flex flex-col gap-6">
        {round.error ? (
          <Failure error={round.error} method={run.method} mayManage={mayManage} />
        ) : null}
        <section aria-label="Progress" className="flex flex-col gap-3">
          <Phases round={round} etaSeconds={etaOf(detail)} />
          {isFinished(round.state) ? null : <TrainerLine trainer={trainer} />}
        </section>
        {detail.rewardTrial?.warnings.map((warning) => (
          <p key={warning} className="flex gap-2 rounded-lg border bg-muted p-4 text-sm">
            <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-primary" />
            {warning}
          </p>
        ))}
        {detail.after ? <HackingNotice summary={detail.after} /> : null}
        {resultPolicy && detail.after ? (
          <OutcomeCard
            before={detail.before}
            after={detail.after}
            names={[startPolicy.name, resultPolicy.name]}
          />
        ) : null}
        {resultPolicy && detail.frames.length > 0 ? (
          <FramesCard detail={detail} after={resultPolicy.name} />
        ) : null}
        {hasTrained ? <CurvesCard round={round} /> : null}
        {sourceOf(run.method) === 'reward' ? null : <DataCard detail={detail} />}
        <ConfigurationCard detail={detail} />
      </div>
    </Page>
  );
}

function PolicyLink({ id, name }: { id: string; name: string }) {
  return (
    <Link href={`/policies/${id}`} className="text-foreground underline underline-offset-2">
      {name}
    </Link>
  );
}

/** While people label, how long they need at their present pace; else what the trainer says. */
function etaOf({ round, answers }: RoundDetail): number | null {
  const { state, progress } = round;
  if (state !== 'labeling') return progress.etaSeconds;
  if (answers.perMinute === null) return null;
  return (60 * Math.max(0, progress.preferencesWanted - progress.labeled)) / answers.perMinute;
}
