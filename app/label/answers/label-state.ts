import type { Answer } from '@/lib/answers';
import type { FlagKind } from '@/lib/flags';
import type { Idle, ServedGroup, ServedImage, ServedPair } from '../../api/label/schema';

/** A pair in hand. It may be shown once both of its images are decoded. */
export type HeldPair = ServedPair & { kind: 'pair'; decoded: boolean };

/**
 * A group in hand, with what has been tagged so far. `chosen`: the image that flags and the closer
 * look are about.
 */
export type HeldGroup = ServedGroup & {
  kind: 'group';
  decoded: boolean;
  tagged: string[];
  chosen: string | null;
};

export type Held = HeldPair | HeldGroup;

/**
 * Something done to a pair or group that can be taken back. `id` is the preference's or tagging's;
 * skips have none. `atMs`: when, by the clock of the browser.
 */
export type Decision = { atMs: number } & (
  | { kind: 'answer'; id: string; answer: Answer; held: HeldPair }
  | { kind: 'tagging'; id: string; held: HeldGroup }
  | { kind: 'skip'; held: Held }
);

/**
 * loading: nothing has arrived yet. developing: a pair or group is in hand, its images are being
 * decoded. ready: all its images stand. submitting: all in hand is answered, more is on its way.
 * waiting: the server has nothing for this person (`idle` says why). failed: it cannot be reached
 * or refuses (`failure` says why).
 */
export type Phase = 'loading' | 'developing' | 'ready' | 'submitting' | 'waiting' | 'failed';

export type LabelState = {
  phase: Phase;
  /** In the order in which they are shown; the first is the one on screen. */
  hand: Held[];
  /** How many were judged or skipped since the page was opened, less those taken back. */
  decided: number;
  /** What can be taken back, newest last. */
  history: Decision[];
  /** Leases whose images could not be loaded: not to be served again to this page. */
  unusable: string[];
  idle: Idle | null;
  failure: { code: string; message: string } | null;
  /** Grows with every answer of the server, so that a timer can follow even equal answers. */
  supplies: number;
};

export type LabelAction =
  | { type: 'supplied'; pairs: ServedPair[] }
  | { type: 'groups-supplied'; groups: ServedGroup[] }
  | { type: 'ran-out'; idle: Idle }
  | { type: 'supply-failed'; code: string; message: string }
  | { type: 'decoded'; leaseId: string }
  | { type: 'undecodable'; leaseId: string }
  | { type: 'answered'; id: string; answer: Answer; atMs: number }
  | { type: 'tag-toggled'; sampleId: string }
  | { type: 'chosen'; sampleId: string }
  | { type: 'tagged'; id: string; atMs: number }
  | { type: 'skipped'; atMs: number }
  | { type: 'undone' }
  | { type: 'undo-refused'; leaseId: string }
  | { type: 'lost'; leaseIds: string[] }
  | { type: 'flagged'; sampleId: string; kind: FlagKind; set: boolean }
  | { type: 'remembered'; history: Decision[] }
  | { type: 'let-go' };

/** How many decisions can be taken back. */
export const historyMax = 10;

export const initialLabelState: LabelState = {
  phase: 'loading',
  hand: [],
  decided: 0,
  history: [],
  unusable: [],
  idle: null,
  failure: null,
  supplies: 0,
};

/**
 * The labeling screen's state after an action. Actions that do not fit the phase change nothing.
 */
export function labelReducer(state: LabelState, action: LabelAction): LabelState {
  const next = transition(state, action);
  return next === state ? state : { ...next, phase: phaseOf(next) };
}

function transition(state: LabelState, action: LabelAction): LabelState {
  switch (action.type) {
    case 'supplied':
      return supplied(
        state,
        action.pairs.map((pair) => ({ ...pair, kind: 'pair', decoded: false })),
      );
    case 'groups-supplied':
      return supplied(
        state,
        action.groups.map((group) => ({
          ...group,
          kind: 'group',
          decoded: false,
          tagged: [],
          chosen: null,
        })),
      );
    case 'ran-out':
      return { ...supplied(state, []), idle: action.idle };
    case 'supply-failed':
      return { ...supplied(state, []), failure: { code: action.code, message: action.message } };
    case 'decoded':
      return {
        ...state,
        hand: state.hand.map((held) =>
          held.leaseId === action.leaseId ? { ...held, decoded: true } : held,
        ),
      };
    case 'undecodable':
      return {
        ...without(state, [action.leaseId]),
        unusable: [...state.unusable, action.leaseId],
      };
    case 'answered':
      return decide(state, (held) =>
        held.kind === 'pair'
          ? { kind: 'answer', id: action.id, answer: action.answer, held, atMs: action.atMs }
          : null,
      );
    case 'tagged':
      return decide(state, (held) =>
        held.kind === 'group' ? { kind: 'tagging', id: action.id, held, atMs: action.atMs } : null,
      );
    case 'skipped':
      return decide(state, (held) => ({ kind: 'skip', held, atMs: action.atMs }));
    case 'tag-toggled':
      return changeGroup(state, action.sampleId, ({ tagged }) => ({
        chosen: action.sampleId,
        tagged: tagged.includes(action.sampleId)
          ? tagged.filter((id) => id !== action.sampleId)
          : [...tagged, action.sampleId],
      }));
    case 'chosen':
      return changeGroup(state, action.sampleId, () => ({ chosen: action.sampleId }));
    case 'undone':
      return takeBack(state);
    case 'undo-refused':
      return without(state, [action.leaseId]);
    case 'lost': {
      // What is on screen stays: an answer that comes late is still accepted where there is room.
      const lost = action.leaseIds.filter((leaseId) => leaseId !== state.hand[0]?.leaseId);
      return lost.length === 0 ? state : without(state, lost);
    }
    case 'flagged':
      return { ...state, hand: state.hand.map((held) => withFlag(held, action)) };
    case 'remembered':
      // What has been done since the page was opened is newer.
      return { ...state, history: [...action.history, ...state.history].slice(-historyMax) };
    case 'let-go':
      return { ...state, hand: [], idle: null, failure: null };
  }
}

function phaseOf(state: LabelState): Phase {
  const [current] = state.hand;
  if (current) return current.decoded ? 'ready' : 'developing';
  if (state.idle) return 'waiting';
  if (state.failure) return 'failed';
  return state.history.length > 0 ? 'submitting' : 'loading';
}

function supplied(state: LabelState, arrived: Held[]): LabelState {
  return {
    ...state,
    hand: [...state.hand, ...arrived.filter((held) => isNew(state, held))],
    idle: null,
    failure: null,
    supplies: state.supplies + 1,
  };
}

function isNew(state: LabelState, { leaseId }: Held): boolean {
  return (
    !state.hand.some((other) => other.leaseId === leaseId) && !state.unusable.includes(leaseId)
  );
}

function decide(state: LabelState, decisionOn: (held: Held) => Decision | null): LabelState {
  const [current, ...rest] = state.hand;
  const decision = state.phase === 'ready' && current ? decisionOn(current) : null;
  if (!decision) return state;
  const history = [...state.history, decision].slice(-historyMax);
  return { ...state, hand: rest, decided: state.decided + 1, history };
}

/** Changes the group on screen, if the image is one of its. */
function changeGroup(
  state: LabelState,
  sampleId: string,
  change: (group: HeldGroup) => Partial<HeldGroup>,
): LabelState {
  const [current, ...rest] = state.hand;
  if (state.phase !== 'ready' || current?.kind !== 'group') return state;
  if (!current.images.some((image) => image.sampleId === sampleId)) return state;
  return { ...state, hand: [{ ...current, ...change(current) }, ...rest] };
}

function takeBack(state: LabelState): LabelState {
  const last = state.history.at(-1);
  if (!last) return state;
  return {
    ...state,
    hand: [last.held, ...state.hand],
    // What was done before the page was opened counts for none.
    decided: Math.max(0, state.decided - 1),
    history: state.history.slice(0, -1),
  };
}

function without(state: LabelState, leaseIds: string[]): LabelState {
  return { ...state, hand: state.hand.filter((held) => !leaseIds.includes(held.leaseId)) };
}

function withFlag(
  held: Held,
  { sampleId, kind, set }: { sampleId: string; kind: FlagKind; set: boolean },
): Held {
  const flag = (image: ServedImage) =>
    image.sampleId === sampleId
      ? {
          ...image,
          flags: [...image.flags.filter((flag) => flag !== kind), ...(set ? [kind] : [])],
        }
      : image;
  return held.kind === 'pair'
    ? { ...held, left: flag(held.left), right: flag(held.right) }
    : { ...held, images: held.images.map(flag) };
}

/** The images of a pair or group, in the order in which they are shown. */
export function imagesOf(held: Held): ServedImage[] {
  return held.kind === 'pair' ? [held.left, held.right] : held.images;
}
