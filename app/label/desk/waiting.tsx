'use client';

import Link from 'next/link';
import type { Idle } from '../../api/label/schema';
import { Button } from '../../components/ui/button';
import { buttonClass } from '../../components/ui/button-class';
import { inWords } from '../../components/ui/duration';
import type { LabelState } from '../answers/label-state';

/**
 * What stands on the film where no pair does: why, and what happens next. Each reason has its own
 * words.
 */
export function Waiting({
  state,
  mayStartRounds,
  onRetry,
}: {
  state: LabelState;
  mayStartRounds: boolean;
  onRetry: () => void;
}) {
  if (state.phase === 'failed' && state.failure) {
    return <Failed failure={state.failure} onRetry={onRetry} />;
  }
  if (state.phase !== 'waiting' || !state.idle) {
    return (
      <p role="status" className="edge-print animate-pulse text-film-ink/80">
        Developing
      </p>
    );
  }
  const { title, next } = wordsFor(state.idle);
  return (
    <Message title={title} next={next}>
      {state.idle.state === 'no-round' && mayStartRounds ? (
        <Link href="/rounds" className={buttonClass({ look: 'primary' })}>
          Start a round
        </Link>
      ) : null}
    </Message>
  );
}

function wordsFor(idle: Idle): { title: string; next: string } {
  switch (idle.state) {
    case 'consent':
      return { title: 'First, the guidelines', next: 'They are short.' };
    case 'sampling':
      return {
        title: 'The model is drawing the first pairs',
        next:
          idle.etaSeconds === null
            ? 'They appear here by themselves.'
            : `First pairs in about ${inWords(idle.etaSeconds)}. They appear here by themselves.`,
      };
    case 'training':
      return {
        title: 'The model is learning from the picks',
        next:
          idle.etaSeconds === null
            ? 'Pairs from the new model appear here by themselves.'
            : `Pairs from the new model in about ${inWords(idle.etaSeconds)}, here, by themselves.`,
      };
    case 'all-leased':
      return {
        title: 'Others are judging the last pairs',
        next: `If one of them leaves a pair, it is free in ${inWords(idle.retryAfterMs / 1000)} at the latest. This page asks again by itself.`,
      };
    case 'hand-full':
      return {
        title: 'Your other pairs come first',
        next: `You hold as many pairs as one person may, in another tab or on their way. They are free in ${inWords(idle.retryAfterMs / 1000)} at the latest. This page asks again by itself.`,
      };
    case 'done':
      return {
        title: 'You have judged every pair of this round',
        next: 'Thank you. When the model has learned from all picks, new pairs appear here by themselves.',
      };
    case 'no-round':
      return {
        title: 'No round is running',
        next: 'Pairs appear here as soon as a researcher starts one.',
      };
    case 'paused':
      return paused;
  }
}

const paused = {
  title: 'Your account is paused for labeling',
  next: 'A reviewer has paused it. Ask them why; your earlier picks are kept.',
};

function Failed({
  failure,
  onRetry,
}: {
  failure: { code: string; message: string };
  onRetry: () => void;
}) {
  if (failure.code === 'paused') return <Message {...paused} />;
  if (failure.code === 'unauthenticated') {
    return (
      <Message
        title="Your session has ended"
        next="Sign in again to go on. Picks that were not sent yet are kept in this browser."
      >
        <Link href="/sign-in" className={buttonClass({ look: 'primary' })}>
          Sign in
        </Link>
      </Message>
    );
  }
  return (
    <Message title="No pair could be fetched" next={failure.message}>
      <Button onClick={onRetry}>Try again now</Button>
    </Message>
  );
}

function Message({
  title,
  next,
  children,
}: {
  title: string;
  next: string;
  children?: React.ReactNode;
}) {
  return (
    <div role="status" className="flex max-w-md flex-col items-center gap-2 p-4 text-center">
      <p className="font-semibold text-base text-film-ink sm:text-lg">{title}</p>
      <p className="text-film-ink/85 text-sm">{next}</p>
      {children ? <div className="mt-2">{children}</div> : null}
    </div>
  );
}
