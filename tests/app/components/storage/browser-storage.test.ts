import { expect, it } from 'vitest';
import { browserStorage, type RawStorage } from '@/app/components/storage/browser-storage';

function throwing(): never {
  throw new DOMException('refused', 'SecurityError');
}

const refusing: RawStorage = {
  get length(): number {
    return throwing();
  },
  key: throwing,
  getItem: throwing,
  setItem: throwing,
  removeItem: throwing,
};

it.each([
  ['cannot even be looked at', throwing],
  ['is not there, as in some web views', () => null],
  ['throws at every touch', () => refusing],
])('never throws where storage %s, and says that it has kept nothing', (_, open) => {
  const storage = browserStorage(open);
  expect(storage.write('a', '1')).toBe(false);
  expect(storage.read('a')).toBeNull();
  expect(storage.keys('')).toEqual([]);
  storage.remove('a');
});

it('says what it has kept, and under which keys', () => {
  const entries = new Map([['other', 'x']]);
  const storage = browserStorage(() => ({
    length: entries.size,
    key: (index) => [...entries.keys()][index] ?? null,
    getItem: (key) => entries.get(key) ?? null,
    setItem: (key, value) => void entries.set(key, value),
    removeItem: (key) => void entries.delete(key),
  }));
  expect(storage.write('mine-2', 'b')).toBe(true);
  expect(storage.write('mine-1', 'a')).toBe(true);
  expect(storage.keys('mine-')).toEqual(['mine-1', 'mine-2']);
  storage.remove('mine-2');
  expect(storage.keys('mine-')).toEqual(['mine-1']);
  expect(storage.read('mine-1')).toBe('a');
});
