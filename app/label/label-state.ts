import type { Answer } from '@/lib/answers';
import type { FlagKind } from '@/lib/flags';
import type { Dry, ServedPair } from '../api/label/schema';

/** A pair in hand. It may be shown once both of its images are decoded. */
export type HeldPair = ServedPair & { decoded: boolean };

/** Something done to a pair that can be taken back. `id` is the preference's; skips have none. */
export type Decision =
  | { kind: 'answer'; id: string; answer: Answer; pair: HeldPair }
  | { kind: 'skip'; pair: HeldPair };

/**
 * loading: nothing has arrived yet. developing: a pair is in hand, its images are being decoded.
 * ready: both images stand. submitting: all pairs in hand are answered, more are on their way.
 * waiting: the server has no pair for this person (`dry` says why). failed: it cannot be reached or
 * refuses (`failure` says why).
 */
export type Phase = 'loading' | 'developing' | 'ready' | 'submitting' | 'waiting' | 'failed';

export type LabelState = {
  phase: Phase;
  /** In the order in which they are shown; the first is the one on screen. */
  pairs: HeldPair[];
  /** What can be taken back, newest last. */
  history: Decision[];
  /** Leases whose images could not be loaded: not to be served again to this page. */
  unusable: string[];
  dry: Dry | null;
  failure: { code: string; message: string } | null;
  /** Grows with every answer of the server, so that a timer can follow even equal answers. */
  supplies: number;
};

export type LabelAction =
  | { type: 'supplied'; pairs: ServedPair[] }
  | { type: 'ran-dry'; dry: Dry }
  | { type: 'supply-failed'; code: string; message: string }
  | { type: 'decoded'; leaseId: string }
  | { type: 'undecodable'; leaseId: string }
  | { type: 'answered'; id: string; answer: Answer }
  | { type: 'skipped' }
  | { type: 'undone' }
  | { type: 'undo-refused'; leaseId: string }
  | { type: 'lost'; leaseIds: string[] }
  | { type: 'flagged'; sampleId: string; kind: FlagKind; set: boolean }
  | { type: 'let-go' };

/** How many decisions can be taken back. */
export const historyMax = 10;

export const initialLabelState: LabelState = {
  phase: 'loading',
  pairs: [],
  history: [],
  unusable: [],
  dry: null,
  failure: null,
  supplies: 0,
};

/** The labeling screen's state after an action. Actions that do not fit the phase change nothing. */
export function labelReducer(state: LabelState, action: LabelAction): LabelState {
  const next = transition(state, action);
  return next === state ? state : { ...next, phase: phaseOf(next) };
}

function transition(state: LabelState, action: LabelAction): LabelState {
  switch (action.type) {
    case 'supplied':
      return {
        ...supplied(state),
        pairs: [...state.pairs, ...action.pairs.filter((pair) => isNew(state, pair)).map(held)],
      };
    case 'ran-dry':
      return { ...supplied(state), dry: action.dry };
    case 'supply-failed':
      return { ...supplied(state), failure: { code: action.code, message: action.message } };
    case 'decoded':
      return {
        ...state,
        pairs: state.pairs.map((pair) =>
          pair.leaseId === action.leaseId ? { ...pair, decoded: true } : pair,
        ),
      };
    case 'undecodable':
      return {
        ...without(state, [action.leaseId]),
        unusable: [...state.unusable, action.leaseId],
      };
    case 'answered':
      return decide(state, (pair) => ({
        kind: 'answer',
        id: action.id,
        answer: action.answer,
        pair,
      }));
    case 'skipped':
      return decide(state, (pair) => ({ kind: 'skip', pair }));
    case 'undone':
      return takeBack(state);
    case 'undo-refused':
      return without(state, [action.leaseId]);
    case 'lost': {
      // The pair on screen stays: an answer that comes late is still accepted where there is room.
      const lost = action.leaseIds.filter((leaseId) => leaseId !== state.pairs[0]?.leaseId);
      return lost.length === 0 ? state : without(state, lost);
    }
    case 'flagged':
      return { ...state, pairs: state.pairs.map((pair) => withFlag(pair, action)) };
    case 'let-go':
      return { ...state, pairs: [], dry: null, failure: null };
  }
}

function phaseOf(state: LabelState): Phase {
  const [current] = state.pairs;
  if (current) return current.decoded ? 'ready' : 'developing';
  if (state.dry) return 'waiting';
  if (state.failure) return 'failed';
  return state.history.length > 0 ? 'submitting' : 'loading';
}

function supplied(state: LabelState): LabelState {
  return { ...state, dry: null, failure: null, supplies: state.supplies + 1 };
}

function isNew(state: LabelState, pair: ServedPair): boolean {
  return (
    !state.pairs.some((other) => other.leaseId === pair.leaseId) &&
    !state.unusable.includes(pair.leaseId)
  );
}

function held(pair: ServedPair): HeldPair {
  return { ...pair, decoded: false };
}

function decide(state: LabelState, decision: (pair: HeldPair) => Decision): LabelState {
  const [current, ...rest] = state.pairs;
  if (state.phase !== 'ready' || !current) return state;
  return {
    ...state,
    pairs: rest,
    history: [...state.history, decision(current)].slice(-historyMax),
  };
}

function takeBack(state: LabelState): LabelState {
  const last = state.history.at(-1);
  if (!last) return state;
  return { ...state, pairs: [last.pair, ...state.pairs], history: state.history.slice(0, -1) };
}

function without(state: LabelState, leaseIds: string[]): LabelState {
  return { ...state, pairs: state.pairs.filter((pair) => !leaseIds.includes(pair.leaseId)) };
}

function withFlag(
  pair: HeldPair,
  { sampleId, kind, set }: { sampleId: string; kind: FlagKind; set: boolean },
): HeldPair {
  const flag = (image: HeldPair['left']) =>
    image.sampleId === sampleId
      ? {
          ...image,
          flags: [...image.flags.filter((flag) => flag !== kind), ...(set ? [kind] : [])],
        }
      : image;
  return { ...pair, left: flag(pair.left), right: flag(pair.right) };
}
