'use client';

import { useEffect, useEffectEvent, useReducer, useRef, useState } from 'react';
import { type Answer, answerDescriptions } from '@/lib/answers';
import { AppError } from '@/lib/errors';
import type { FlagKind } from '@/lib/flags';
import type { LabelProgress, Outcome } from '../../api/label/schema';
import { useToast } from '../../components/ui/toast';
import { useEvents } from '../../events/use-events';
import { pairsWanted } from './hand-size';
import { type Decision, type Held, imagesOf, initialLabelState, labelReducer } from './label-state';
import { newClientId } from './new-id';
import type { Action } from './outbox';
import { useKeptHistory } from './use-kept-history';
import { useLeaseKeeping } from './use-lease-keeping';
import { useOutbox } from './use-outbox';
import { usePairSupply } from './use-pair-supply';

/**
 * The labeling screen without its looks: the pairs in hand, what the person does to them, and how
 * that reaches the server. An action shows at once; the outbox sends it behind.
 */
export function useLabeling(options: { personId: string; guidelinesVersion: number | null }) {
  const [state, dispatch] = useReducer(labelReducer, initialLabelState);
  const [progress, setProgress] = useState<LabelProgress | null>(null);
  const [leaseSeconds, setLeaseSeconds] = useState<number | null>(null);
  const shownAtMs = useRef(0);
  const [announcement, announce] = useState('');
  const { complain } = useToast();

  const { outbox, view } = useOutbox(options.personId, (action, result) => {
    if (result instanceof AppError) return refused(action, result);
    if (result.progress) setProgress(result.progress);
    if (result.outcome !== 'counted') notCounted(action, result.outcome);
  });

  const sayRefused = useEffectEvent(() =>
    complain(
      'This browser does not store picks',
      'Each is sent at once and counts. Keep this page open while any is unsent.',
    ),
  );
  useEffect(() => {
    if (view.refused) sayRefused();
  }, [view.refused]);

  useKeptHistory(options.personId, state.history, dispatch);

  const supply = usePairSupply({
    state,
    dispatch,
    pairsWanted: pairsWanted({
      ready: state.history.length > 0 || state.hand.some(({ decoded }) => decoded),
      decidedAtMs: state.history.map(({ atMs }) => atMs),
      left: progress?.round ? progress.round.wanted - progress.round.labeled : null,
    }),
    unsentLeaseIds: view.leaseIds,
    stuck: view.trouble !== null,
    onAnswer: (answer) => {
      setProgress(answer.progress);
      setLeaseSeconds((known) => shorter(known, answer.leaseSeconds));
    },
  });

  // Somebody who waits hears at once that there is something to do.
  useEvents(state.phase === 'waiting' ? wakingEvents : [], supply.ask);

  useLeaseKeeping({
    // A lease with an action under way is the action's business.
    held: state.hand.filter(({ leaseId }) => !view.leaseIds.includes(leaseId)),
    leaseSeconds,
    dispatch,
    onRenewed: setLeaseSeconds,
  });

  function refused(action: Action, error: AppError) {
    if (action.kind === 'undo') dispatch({ type: 'undo-refused', leaseId: action.leaseId });
    complain(`${actionNames[action.kind]} was not stored`, error.message);
  }

  function notCounted(action: Action, outcome: Outcome['outcome']) {
    if (action.kind === 'undo') dispatch({ type: 'undo-refused', leaseId: action.leaseId });
    complain(`${actionNames[action.kind]} did not count`, outcomeReasons[outcome]);
  }

  const current = state.phase === 'ready' ? state.hand[0] : undefined;

  function answer(given: Answer) {
    if (current?.kind !== 'pair') return;
    const id = newClientId();
    const atMs = Date.now();
    outbox?.add({
      kind: 'preference',
      leaseId: current.leaseId,
      body: {
        id,
        leaseId: current.leaseId,
        answer: given,
        shownAtMs: shownAtMs.current,
        decidedAtMs: atMs,
        guidelinesVersion: options.guidelinesVersion,
      },
    });
    dispatch({ type: 'answered', id, answer: given, atMs });
    announce(`${answerDescriptions[given].label} stored.`);
  }

  function toggleTag(sampleId: string) {
    if (current?.kind !== 'group') return;
    dispatch({ type: 'tag-toggled', sampleId });
    const tagged = current.tagged.includes(sampleId);
    announce(`Image ${numberOf(current, sampleId)} is ${tagged ? 'not bad' : 'bad'}.`);
  }

  function choose(sampleId: string) {
    dispatch({ type: 'chosen', sampleId });
  }

  function submitTags() {
    if (current?.kind !== 'group') return;
    const id = newClientId();
    const { leaseId, groupId, tagged } = current;
    outbox?.add({ kind: 'tagging', leaseId, body: { id, groupId, taggedSampleIds: tagged } });
    dispatch({ type: 'tagged', id, atMs: Date.now() });
    announce(`${tagged.length === 0 ? 'None' : tagged.length} bad, stored.`);
  }

  function skip() {
    if (!current) return;
    const { leaseId } = current;
    outbox?.add({ kind: 'skip', leaseId, body: skipOf(current) });
    dispatch({ type: 'skipped', atMs: Date.now() });
    announce('Skipped.');
  }

  function undo() {
    const last = state.history.at(-1);
    if (!last) return;
    outbox?.add({ kind: 'undo', leaseId: last.held.leaseId, body: undoOf(last) });
    dispatch({ type: 'undone' });
    announce(`Taken back. The ${last.held.kind} is on screen again.`);
  }

  function toggleFlag(sampleId: string, kind: FlagKind) {
    const image = current && imagesOf(current).find((one) => one.sampleId === sampleId);
    if (!image) return;
    const set = !image.flags.includes(kind);
    outbox?.add({ kind: 'flag', leaseId: null, body: { sampleId, kind, set } });
    dispatch({ type: 'flagged', sampleId, kind, set });
    announce(`${kind} flag ${set ? 'set' : 'taken off'}, ${nameOf(current, sampleId)}.`);
  }

  return {
    state,
    dispatch,
    current,
    progress,
    announcement,
    unsentLeaseIds: view.leaseIds,
    answer,
    toggleTag,
    choose,
    submitTags,
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

const actionNames: Record<Action['kind'], string> = {
  preference: 'Your pick',
  skip: 'Your skip',
  undo: 'Taking back',
  flag: 'Your flag',
  tagging: 'Your tagging',
};

const outcomeReasons: Record<Outcome['outcome'], string> = {
  counted: '',
  'already-answered': 'You have answered it before, perhaps in another tab.',
  'pair-complete': 'Others completed it while you were away.',
  taken: 'Somebody else is judging it meanwhile.',
  withdrawn: 'It is asked no more: its round goes on without it, or the question was ended.',
  'too-late': 'The model is about to learn from it, or has.',
};

function skipOf({ kind, leaseId }: Held) {
  return kind === 'pair' ? { leaseId } : { groupLeaseId: leaseId };
}

function undoOf(decision: Decision) {
  if (decision.kind === 'answer') return { preferenceId: decision.id };
  if (decision.kind === 'tagging') return { taggingId: decision.id };
  const { kind, leaseId } = decision.held;
  return kind === 'pair' ? { skippedLeaseId: leaseId } : { skippedGroupLeaseId: leaseId };
}

function numberOf(held: Held, sampleId: string): number {
  return imagesOf(held).findIndex((image) => image.sampleId === sampleId) + 1;
}

function nameOf(held: Held, sampleId: string): string {
  const number = numberOf(held, sampleId);
  if (held.kind === 'group') return `image ${number}`;
  return number === 1 ? 'left image' : 'right image';
}

function shorter(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}
