import { expect, it } from 'vitest';
import type { BrowserStorage } from '@/app/components/storage/browser-storage';
import { keepHistory, readHistory } from '@/app/label/answers/kept-history';
import type { Decision } from '@/app/label/answers/label-state';

function remembering(): BrowserStorage {
  const texts = new Map<string, string>();
  return {
    read: (key) => texts.get(key) ?? null,
    write: (key, text) => texts.set(key, text).has(key),
    remove: (key) => void texts.delete(key),
    keys: (prefix) => [...texts.keys()].filter((key) => key.startsWith(prefix)),
  };
}

const image = (sampleId: string) => ({
  sampleId,
  src: `/api/images/${sampleId}`,
  width: 64,
  height: 64,
  flags: ['hand' as const],
});

const held = {
  kind: 'pair' as const,
  decoded: true,
  leaseId: 'a',
  prompt: '1 hand',
  left: image('l'),
  right: image('r'),
  sensitive: false,
};

const history: Decision[] = [
  { kind: 'answer', id: 'p', answer: 'tie', atMs: 1, held },
  {
    kind: 'tagging',
    id: 't',
    atMs: 2,
    held: {
      kind: 'group',
      decoded: true,
      leaseId: 'g',
      groupId: 'g1',
      prompt: '1 hand',
      images: [image('1')],
      sensitive: false,
      tagged: ['1'],
      chosen: null,
    },
  },
  { kind: 'skip', atMs: 3, held },
];

it('what can be taken back is as it was, only that nothing of it is decoded', () => {
  const storage = remembering();
  keepHistory(storage, 'ann', history);
  expect(readHistory(storage, 'ann')).toEqual(
    history.map((decision) => ({ ...decision, held: { ...decision.held, decoded: false } })),
  );
  expect(readHistory(storage, 'bob')).toEqual([]);
});

it('what an earlier version wrote is forgotten', () => {
  const storage = remembering();
  storage.write('darkroom-history:ann', '[{"kind":"answer"}]');
  expect(readHistory(storage, 'ann')).toEqual([]);
  storage.write('darkroom-history:ann', '{');
  expect(readHistory(storage, 'ann')).toEqual([]);
});
