'use client';

import { useReducer, useRef, useState } from 'react';
import { type Answer, answerDescriptions } from '@/lib/answers';
import { AppError } from '@/lib/errors';
import type { FlagKind } from '@/lib/flags';
import type { LabelProgress, Outcome } from '../api/label/schema';
import { useToast } from '../components/ui/toast';
import { useEvents } from '../events/use-events';
import { type Decision, initialLabelState, labelReducer } from './label-state';
import { newClientId } from './new-id';
import type { Deed } from './outbox';
import { useLeaseKeeping } from './use-lease-keeping';
import { useOutbox } from './use-outbox';
import { usePairSupply } from './use-pair-supply';

export type Side = 'left' | 'right';

/**
 * The labeling screen without its looks: the pairs in hand, what the person does to them, and how that
 * reaches the server. A deed shows at once; the outbox sends it behind.
 */
export function useLabeling(options: { personId: string; guidelinesVersion: number | null }) {
  const [state, dispatch] = useReducer(labelReducer, initialLabelState);
  const [progress, setProgress] = useState<LabelProgress | null>(null);
  const [leaseSeconds, setLeaseSeconds] = useState<number | null>(null);
  const shownAtMs = useRef(0);
  const [announcement, announce] = useState('');
  const { complain } = useToast();

  const { outbox, view } = useOutbox(options.personId, (deed, result) => {
    if (result instanceof AppError) return refused(deed, result);
    if (result.progress) setProgress(result.progress);
    if (result.outcome !== 'counted') notCounted(deed, result.outcome);
  });

  const supply = usePairSupply({
    state,
    dispatch,
    unsentLeaseIds: view.leaseIds,
    stuck: view.trouble !== null,
    onAnswer: (answer) => {
      setProgress(answer.progress);
      setLeaseSeconds((known) => shorter(known, answer.leaseSeconds));
    },
  });

  // Somebody who waits hears at once that there is something to do.
  const waits = state.phase === 'waiting' && state.dry?.state !== 'group';
  useEvents(waits ? wakingEvents : [], supply.ask);

  useLeaseKeeping({
    // A lease with a deed under way is the deed's business.
    leaseIds: state.pairs
      .map((pair) => pair.leaseId)
      .filter((leaseId) => !view.leaseIds.includes(leaseId)),
    leaseSeconds,
    dispatch,
    onRenewed: setLeaseSeconds,
  });

  function refused(deed: Deed, error: AppError) {
    if (deed.kind === 'undo') dispatch({ type: 'undo-refused', leaseId: deed.leaseId });
    complain(`${deedNames[deed.kind]} was not stored`, error.message);
  }

  function notCounted(deed: Deed, outcome: Outcome['outcome']) {
    if (deed.kind === 'undo') dispatch({ type: 'undo-refused', leaseId: deed.leaseId });
    complain(`${deedNames[deed.kind]} did not count`, outcomeReasons[outcome]);
  }

  const current = state.phase === 'ready' ? state.pairs[0] : undefined;

  function answer(given: Answer) {
    if (!current) return;
    const id = newClientId();
    outbox?.add({
      kind: 'preference',
      leaseId: current.leaseId,
      body: {
        id,
        leaseId: current.leaseId,
        answer: given,
        shownAtMs: shownAtMs.current,
        decidedAtMs: Date.now(),
        guidelinesVersion: options.guidelinesVersion,
      },
    });
    dispatch({ type: 'answered', id, answer: given });
    announce(`${answerDescriptions[given].label} stored.`);
  }

  function skip() {
    if (!current) return;
    const { leaseId } = current;
    outbox?.add({ kind: 'skip', leaseId, body: { leaseId } });
    dispatch({ type: 'skipped' });
    announce('Skipped.');
  }

  function undo() {
    const last = state.history.at(-1);
    if (!last) return;
    outbox?.add({ kind: 'undo', leaseId: last.pair.leaseId, body: undoOf(last) });
    dispatch({ type: 'undone' });
    announce('Taken back. The pair is on screen again.');
  }

  function toggleFlag(side: Side, kind: FlagKind) {
    if (!current) return;
    const { sampleId, flags } = current[side];
    const set = !flags.includes(kind);
    outbox?.add({ kind: 'flag', leaseId: null, body: { sampleId, kind, set } });
    dispatch({ type: 'flagged', sampleId, kind, set });
    announce(`${kind} flag ${set ? 'set' : 'taken off'}, ${side} image.`);
  }

  return {
    state,
    dispatch,
    current,
    progress,
    announcement,
    addDeed: (deed: Deed) => outbox?.add(deed),
    unsentLeaseIds: view.leaseIds,
    answer,
    skip,
    undo,
    toggleFlag,
    ask: supply.ask,
    markShown: () => {
      shownAtMs.current = Date.now();
    },
  };
}

const wakingEvents = ['run', 'round', 'progress'] as const;

const deedNames: Record<Deed['kind'], string> = {
  preference: 'Your pick',
  skip: 'Your skip',
  undo: 'Taking back',
  flag: 'Your flag',
  tagging: 'Your tagging',
};

const outcomeReasons: Record<Outcome['outcome'], string> = {
  counted: '',
  'already-answered': 'You have answered this pair before, perhaps in another tab.',
  'pair-complete': 'Others completed this pair while you were away.',
  withdrawn: 'The round stopped taking answers: its images come from a model about to be replaced.',
  'too-late': 'The model is about to learn from it, or has.',
};

function undoOf(decision: Decision) {
  return decision.kind === 'answer'
    ? { preferenceId: decision.id }
    : { skippedLeaseId: decision.pair.leaseId };
}

function shorter(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
