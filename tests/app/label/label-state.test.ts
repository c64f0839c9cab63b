import { describe, expect, it } from 'vitest';
import type { ServedPair } from '@/app/api/label/schema';
import {
  historyMax,
  initialLabelState,
  type LabelAction,
  type LabelState,
  labelReducer,
} from '@/app/label/label-state';

function pair(leaseId: string): ServedPair {
  const image = (side: string) => ({
    sampleId: `${leaseId}-${side}`,
    src: `/api/images/${leaseId}-${side}`,
    width: 64,
    height: 64,
    flags: [],
  });
  return { leaseId, prompt: '1 hand', left: image('l'), right: image('r'), sensitive: false };
}

function reduced(actions: LabelAction[], from: LabelState = initialLabelState): LabelState {
  return actions.reduce(labelReducer, from);
}

const two: LabelAction[] = [
  { type: 'supplied', pairs: [pair('a'), pair('b')] },
  { type: 'decoded', leaseId: 'a' },
  { type: 'decoded', leaseId: 'b' },
];

const left: LabelAction = { type: 'answered', id: 'p1', answer: 'left' };

describe('phases', () => {
  it('goes from loading over developing to ready, and is ready only when the first pair is decoded', () => {
    expect(initialLabelState.phase).toBe('loading');
    const supplied = reduced([{ type: 'supplied', pairs: [pair('a'), pair('b')] }]);
    expect(supplied.phase).toBe('developing');
    expect(reduced([{ type: 'decoded', leaseId: 'b' }], supplied).phase).toBe('developing');
    expect(reduced([{ type: 'decoded', leaseId: 'a' }], supplied).phase).toBe('ready');
  });

  it('shows the next pair at once when it is decoded, and is submitting when none is left', () => {
    const answered = reduced([...two, left]);
    expect(answered.phase).toBe('ready');
    expect(answered.pairs[0]?.leaseId).toBe('b');
    expect(reduced([{ type: 'skipped' }], answered).phase).toBe('submitting');
  });

  it('waits with the reason, and fails with the reason, until pairs come', () => {
    const dry = reduced([{ type: 'ran-dry', dry: { state: 'done' } }]);
    expect(dry).toMatchObject({ phase: 'waiting', dry: { state: 'done' } });
    const failed = reduced([{ type: 'supply-failed', code: 'unavailable', message: 'gone' }], dry);
    expect(failed).toMatchObject({ phase: 'failed', dry: null, failure: { code: 'unavailable' } });
    expect(reduced(two, failed)).toMatchObject({ phase: 'ready', failure: null });
  });

  it('goes on with the pairs in hand while the server has no more', () => {
    expect(reduced([...two, { type: 'ran-dry', dry: { state: 'done' } }]).phase).toBe('ready');
    expect(
      reduced([...two, { type: 'ran-dry', dry: { state: 'done' } }, left, { type: 'skipped' }])
        .phase,
    ).toBe('waiting');
  });
});

describe('answers', () => {
  it('are ignored unless a pair stands on screen', () => {
    const developing = reduced([{ type: 'supplied', pairs: [pair('a')] }]);
    expect(labelReducer(developing, left)).toBe(developing);
    expect(labelReducer(initialLabelState, { type: 'skipped' })).toBe(initialLabelState);
  });

  it('can be taken back one by one, newest first, with flags as they were', () => {
    const flagged: LabelAction = { type: 'flagged', sampleId: 'a-l', kind: 'hand', set: true };
    const decided = reduced([...two, flagged, left, { type: 'skipped' }]);
    const once = reduced([{ type: 'undone' }], decided);
    expect(once.pairs.map((held) => held.leaseId)).toEqual(['b']);
    const twice = reduced([{ type: 'undone' }], once);
    expect(twice.pairs.map((held) => held.leaseId)).toEqual(['a', 'b']);
    expect(twice).toMatchObject({ phase: 'ready', history: [] });
    expect(twice.pairs[0]?.left.flags).toEqual(['hand']);
    expect(labelReducer(twice, { type: 'undone' })).toBe(twice);
  });

  it('remembers no more than it promises', () => {
    let state = initialLabelState;
    for (let index = 0; index < historyMax + 5; index++) {
      const leaseId = `lease-${index}`;
      state = reduced(
        [
          { type: 'supplied', pairs: [pair(leaseId)] },
          { type: 'decoded', leaseId },
          { type: 'answered', id: leaseId, answer: 'tie' },
        ],
        state,
      );
    }
    expect(state.history).toHaveLength(historyMax);
    expect(state.history.at(-1)).toMatchObject({ id: `lease-${historyMax + 4}` });
  });

  it('drops the pair again when taking back is refused', () => {
    const back = reduced([
      ...two,
      left,
      { type: 'undone' },
      { type: 'undo-refused', leaseId: 'a' },
    ]);
    expect(back.pairs.map((held) => held.leaseId)).toEqual(['b']);
  });
});

describe('supply', () => {
  it('never holds a pair twice', () => {
    const again = reduced([...two, { type: 'supplied', pairs: [pair('b'), pair('c')] }]);
    expect(again.pairs.map((held) => held.leaseId)).toEqual(['a', 'b', 'c']);
    expect(again.pairs[1]?.decoded).toBe(true);
  });

  it('does not take back a pair whose images cannot be loaded', () => {
    const broken = reduced([...two, { type: 'undecodable', leaseId: 'a' }]);
    expect(broken.pairs.map((held) => held.leaseId)).toEqual(['b']);
    expect(reduced([{ type: 'supplied', pairs: [pair('a')] }], broken).pairs).toHaveLength(1);
  });

  it('keeps the pair on screen when its lease is lost, and drops those ahead', () => {
    const lost = reduced([...two, { type: 'lost', leaseIds: ['a', 'b'] }]);
    expect(lost.pairs.map((held) => held.leaseId)).toEqual(['a']);
    expect(lost.phase).toBe('ready');
  });

  it('counts the answers of the server, equal ones too', () => {
    const dry: LabelAction = { type: 'ran-dry', dry: { state: 'done' } };
    expect(reduced([dry, dry]).supplies).toBe(2);
  });
});

it('sets and takes off flags on the image they belong to', () => {
  const set = reduced([
    ...two,
    { type: 'flagged', sampleId: 'a-r', kind: 'hand', set: true },
    { type: 'flagged', sampleId: 'a-r', kind: 'text', set: true },
    { type: 'flagged', sampleId: 'a-r', kind: 'hand', set: true },
  ]);
  expect(set.pairs[0]?.right.flags.toSorted()).toEqual(['hand', 'text']);
  expect(set.pairs[0]?.left.flags).toEqual([]);
  const off = reduced([{ type: 'flagged', sampleId: 'a-r', kind: 'hand', set: false }], set);
  expect(off.pairs[0]?.right.flags).toEqual(['text']);
});
