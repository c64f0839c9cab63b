import { describe, expect, it } from 'vitest';
import type { ServedGroup, ServedPair } from '@/app/api/label/schema';
import {
  historyMax,
  imagesOf,
  initialLabelState,
  type LabelAction,
  type LabelState,
  labelReducer,
} from '@/app/label/answers/label-state';

function image(sampleId: string) {
  return { sampleId, src: `/api/images/${sampleId}`, width: 64, height: 64, flags: [] };
}

function pair(leaseId: string): ServedPair {
  const [left, right] = [image(`${leaseId}-l`), image(`${leaseId}-r`)];
  return { leaseId, prompt: '1 hand', left, right, sensitive: false };
}

function group(leaseId: string): ServedGroup {
  const images = ['1', '2', '3'].map((number) => image(`${leaseId}-${number}`));
  return { leaseId, groupId: `group-${leaseId}`, prompt: '1 hand', images, sensitive: false };
}

/** The flags on the images on screen. */
function flagsOf({ hand }: LabelState) {
  return hand[0] && imagesOf(hand[0]).map(({ flags }) => flags);
}

function reduced(actions: LabelAction[], from: LabelState = initialLabelState): LabelState {
  return actions.reduce(labelReducer, from);
}

const two: LabelAction[] = [
  { type: 'supplied', pairs: [pair('a'), pair('b')] },
  { type: 'decoded', leaseId: 'a' },
  { type: 'decoded', leaseId: 'b' },
];

const left: LabelAction = { type: 'answered', id: 'p1', answer: 'left', atMs: 1 };

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
    expect(answered.hand[0]?.leaseId).toBe('b');
    expect(reduced([{ type: 'skipped', atMs: 2 }], answered).phase).toBe('submitting');
  });

  it('waits with the reason, and fails with the reason, until pairs come', () => {
    const idle = reduced([{ type: 'ran-out', idle: { state: 'done' } }]);
    expect(idle).toMatchObject({ phase: 'waiting', idle: { state: 'done' } });
    const failed = reduced([{ type: 'supply-failed', code: 'unavailable', message: 'gone' }], idle);
    expect(failed).toMatchObject({ phase: 'failed', idle: null, failure: { code: 'unavailable' } });
    expect(reduced(two, failed)).toMatchObject({ phase: 'ready', failure: null });
  });

  it('goes on with the pairs in hand while the server has no more', () => {
    expect(reduced([...two, { type: 'ran-out', idle: { state: 'done' } }]).phase).toBe('ready');
    expect(
      reduced([
        ...two,
        { type: 'ran-out', idle: { state: 'done' } },
        left,
        { type: 'skipped', atMs: 2 },
      ]).phase,
    ).toBe('waiting');
  });
});

describe('answers', () => {
  it('are ignored unless a pair stands on screen', () => {
    const developing = reduced([{ type: 'supplied', pairs: [pair('a')] }]);
    expect(labelReducer(developing, left)).toBe(developing);
    expect(labelReducer(initialLabelState, { type: 'skipped', atMs: 2 })).toBe(initialLabelState);
  });

  it('can be taken back one by one, newest first, with flags as they were', () => {
    const flagged: LabelAction = { type: 'flagged', sampleId: 'a-l', kind: 'hand', set: true };
    const decided = reduced([...two, flagged, left, { type: 'skipped', atMs: 2 }]);
    const once = reduced([{ type: 'undone' }], decided);
    expect(once.hand.map((held) => held.leaseId)).toEqual(['b']);
    const twice = reduced([{ type: 'undone' }], once);
    expect(twice.hand.map((held) => held.leaseId)).toEqual(['a', 'b']);
    expect([decided, once, twice].map((state) => state.decided)).toEqual([2, 1, 0]);
    expect(twice).toMatchObject({ phase: 'ready', history: [] });
    expect(flagsOf(twice)).toEqual([['hand'], []]);
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
          { type: 'answered', id: leaseId, answer: 'tie', atMs: 1 },
        ],
        state,
      );
    }
    expect(state.decided).toBe(historyMax + 5);
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
    expect(back.hand.map((held) => held.leaseId)).toEqual(['b']);
  });
});

describe('supply', () => {
  it('never holds a pair twice', () => {
    const again = reduced([...two, { type: 'supplied', pairs: [pair('b'), pair('c')] }]);
    expect(again.hand.map((held) => held.leaseId)).toEqual(['a', 'b', 'c']);
    expect(again.hand[1]?.decoded).toBe(true);
  });

  it('does not take back a pair whose images cannot be loaded', () => {
    const broken = reduced([...two, { type: 'undecodable', leaseId: 'a' }]);
    expect(broken.hand.map((held) => held.leaseId)).toEqual(['b']);
    expect(reduced([{ type: 'supplied', pairs: [pair('a')] }], broken).hand).toHaveLength(1);
  });

  it('keeps the pair on screen when its lease is lost, and drops those ahead', () => {
    const lost = reduced([...two, { type: 'lost', leaseIds: ['a', 'b'] }]);
    expect(lost.hand.map((held) => held.leaseId)).toEqual(['a']);
    expect(lost.phase).toBe('ready');
  });

  it('counts the answers of the server, equal ones too', () => {
    const idle: LabelAction = { type: 'ran-out', idle: { state: 'done' } };
    expect(reduced([idle, idle]).supplies).toBe(2);
  });
});

it('sets and takes off flags on the image they belong to', () => {
  const set = reduced([
    ...two,
    { type: 'flagged', sampleId: 'a-r', kind: 'hand', set: true },
    { type: 'flagged', sampleId: 'a-r', kind: 'text', set: true },
    { type: 'flagged', sampleId: 'a-r', kind: 'hand', set: true },
  ]);
  expect(flagsOf(set)).toEqual([[], ['text', 'hand']]);
  const off = reduced([{ type: 'flagged', sampleId: 'a-r', kind: 'hand', set: false }], set);
  expect(flagsOf(off)).toEqual([[], ['text']]);
});

describe('groups', () => {
  const both: LabelAction[] = [
    { type: 'groups-supplied', groups: [group('g'), group('h')] },
    { type: 'decoded', leaseId: 'g' },
    { type: 'decoded', leaseId: 'h' },
  ];
  const toggle = (sampleId: string): LabelAction => ({ type: 'tag-toggled', sampleId });
  const tagged: LabelAction = { type: 'tagged', id: 't1', atMs: 1 };

  it('go through the same phases as pairs, and are never held twice', () => {
    const supplied = reduced([{ type: 'groups-supplied', groups: [group('g')] }]);
    expect(supplied.phase).toBe('developing');
    expect(reduced([tagged], supplied)).toBe(supplied);
    const ready = reduced(both);
    expect(ready.phase).toBe('ready');
    const again = reduced([{ type: 'groups-supplied', groups: [group('g'), group('k')] }], ready);
    expect(again.hand.map((held) => held.leaseId)).toEqual(['g', 'h', 'k']);
    expect(reduced([tagged, { type: 'skipped', atMs: 2 }], ready).phase).toBe('submitting');
  });

  it('are tagged image by image, which chooses the image too, and only on screen', () => {
    const once = reduced([...both, toggle('g-1'), toggle('g-3'), toggle('g-1')]);
    expect(once.hand[0]).toMatchObject({ tagged: ['g-3'], chosen: 'g-1' });
    expect(labelReducer(once, toggle('h-1'))).toBe(once);
    expect(reduced([{ type: 'chosen', sampleId: 'g-2' }], once).hand[0]).toMatchObject({
      tagged: ['g-3'],
      chosen: 'g-2',
    });
  });

  it('come back with their tags and flags when taken back, skipped or tagged', () => {
    const done = reduced([
      ...both,
      toggle('g-2'),
      { type: 'flagged', sampleId: 'g-2', kind: 'hand', set: true },
      tagged,
      { type: 'skipped', atMs: 2 },
    ]);
    expect(done.history.map(({ kind }) => kind)).toEqual(['tagging', 'skip']);
    const back = reduced([{ type: 'undone' }, { type: 'undone' }], done);
    expect(back.hand.map((held) => held.leaseId)).toEqual(['g', 'h']);
    expect(back.hand[0]).toMatchObject({ tagged: ['g-2'] });
    expect(flagsOf(back)).toEqual([[], ['hand'], []]);
  });

  it('are not answered as a pair is, nor pairs tagged', () => {
    const ready = reduced(both);
    expect(labelReducer(ready, left)).toBe(ready);
    const pairs = reduced(two);
    expect(labelReducer(pairs, tagged)).toBe(pairs);
    expect(labelReducer(pairs, toggle('a-l'))).toBe(pairs);
  });

  it('follow pairs in the same hand, and are taken back in the order of what was done', () => {
    const mixed = reduced([...two, ...both, left, left]);
    expect(mixed.hand.map((held) => held.kind)).toEqual(['group', 'group']);
    const back = reduced([tagged, { type: 'undone' }, { type: 'undone' }], mixed);
    expect(back.hand.map((held) => held.leaseId)).toEqual(['b', 'g', 'h']);
  });
});
