import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Outcome } from '@/app/api/label/schema';
import { browserStorage, type RawStorage } from '@/app/components/storage/browser-storage';
import { newClientId } from '@/app/label/answers/new-id';
import { type Action, createOutbox, nothingUnsent } from '@/app/label/answers/outbox';
import { AppError } from '@/lib/errors';

/** Web storage as browsers have it: strings by key, in no promised order. */
function rawStorage() {
  const entries = new Map<string, string>();
  return {
    entries,
    get length() {
      return entries.size;
    },
    key: (index: number) => [...entries.keys()].reverse()[index] ?? null,
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => void entries.set(key, value),
    removeItem: (key: string) => void entries.delete(key),
  };
}

function memoryStorage(raw: RawStorage = rawStorage()) {
  return browserStorage(() => raw);
}

function skip(leaseId: string): Action {
  return { kind: 'skip', leaseId, body: { leaseId } };
}

/** A server that can be switched off, and remembers what reached it. */
function fakeServer() {
  const server = {
    reachable: true,
    received: [] as (string | null)[],
    refuse: null as AppError | null,
    deliver: async (action: Action): Promise<Outcome> => {
      if (!server.reachable) throw new AppError('unavailable', 'no connection');
      server.received.push(action.leaseId);
      if (server.refuse) throw server.refuse;
      return { outcome: 'counted' };
    },
  };
  return server;
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('outbox', () => {
  it('sends in order, one after the other, and forgets what was acknowledged', async () => {
    const storage = memoryStorage();
    const server = fakeServer();
    const outbox = createOutbox({ owner: 'ada', storage, deliver: server.deliver });
    for (const leaseId of ['a', 'b', 'c']) outbox.add(skip(leaseId));
    expect(outbox.view().unsent).toBe(3);
    await settle();
    expect(server.received).toEqual(['a', 'b', 'c']);
    expect(outbox.view()).toEqual(nothingUnsent);
    expect(storage.keys('')).toEqual([]);
  });

  it('keeps everything through a lost connection and a reload, then sends each once in order', async () => {
    const storage = memoryStorage();
    const server = fakeServer();
    server.reachable = false;
    const before = createOutbox({ owner: 'ada', storage, deliver: server.deliver });
    // All within one millisecond: order must not hang on the clock.
    for (let index = 0; index < 12; index++) before.add(skip(`lease-${index}`));
    await settle();
    expect(before.view()).toMatchObject({ unsent: 12, trouble: { code: 'unavailable' } });

    server.reachable = true;
    const after = createOutbox({ owner: 'ada', storage, deliver: server.deliver });
    expect(after.view().leaseIds).toHaveLength(12);
    await settle();
    expect(server.received).toEqual(Array.from({ length: 12 }, (_, index) => `lease-${index}`));
    expect(storage.keys('')).toEqual([]);
  });

  it('tries again by itself, with growing pauses, and at once when told to hurry', async () => {
    const server = fakeServer();
    server.reachable = false;
    const deliver = vi.fn(server.deliver);
    const outbox = createOutbox({ owner: 'ada', storage: memoryStorage(), deliver });
    outbox.add(skip('a'));
    await settle();
    expect(deliver).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(deliver).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(deliver).toHaveBeenCalledTimes(2);
    outbox.add(skip('b'));
    await settle();
    expect(deliver).toHaveBeenCalledTimes(2);
    server.reachable = true;
    outbox.hurry();
    await settle();
    expect(server.received).toEqual(['a', 'b']);
  });

  it('drops what is refused for good, says so, and goes on with the next', async () => {
    const server = fakeServer();
    server.refuse = new AppError('not-found', 'You hold no such lease.');
    const outbox = createOutbox({
      owner: 'ada',
      storage: memoryStorage(),
      deliver: server.deliver,
    });
    const heard: [string | null, Outcome | AppError][] = [];
    outbox.watch((action, result) => heard.push([action.leaseId, result]));
    outbox.add(skip('a'));
    await settle();
    server.refuse = null;
    outbox.add(skip('b'));
    await settle();
    expect(heard).toEqual([
      ['a', expect.objectContaining({ code: 'not-found' })],
      ['b', { outcome: 'counted' }],
    ]);
    expect(outbox.view().unsent).toBe(0);
  });

  it('keeps actions when the session has ended, for the same person only', async () => {
    const storage = memoryStorage();
    const server = fakeServer();
    server.refuse = new AppError('unauthenticated', 'Sign in again.');
    createOutbox({ owner: 'ada', storage, deliver: server.deliver }).add(skip('a'));
    await settle();
    server.refuse = null;
    server.received = [];
    const other = createOutbox({ owner: 'bob', storage, deliver: server.deliver });
    await settle();
    expect(other.view().unsent).toBe(0);
    expect(server.received).toEqual([]);
    createOutbox({ owner: 'ada', storage, deliver: server.deliver });
    await settle();
    expect(server.received).toEqual(['a']);
  });

  it('is not upset by an entry that it cannot read', async () => {
    const storage = memoryStorage();
    storage.write('darkroom-outbox:ada:000000000000001:0000', '{"kind":"unknown"}');
    storage.write('darkroom-outbox:ada:000000000000002:0000', 'no JSON');
    const outbox = createOutbox({ owner: 'ada', storage, deliver: fakeServer().deliver });
    expect(outbox.view().unsent).toBe(0);
  });
});

describe('a browser that refuses to store', () => {
  const refusals: Record<string, () => RawStorage> = {
    'has no storage': () => {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    },
    'is full': () => ({
      ...rawStorage(),
      setItem: () => {
        throw new DOMException('exceeded the quota', 'QuotaExceededError');
      },
    }),
    'takes it and forgets it': () => ({ ...rawStorage(), setItem: () => {} }),
  };

  it.each(Object.keys(refusals))('%s: actions are sent in order, and it is said', async (how) => {
    const server = fakeServer();
    server.reachable = false;
    const storage = browserStorage(refusals[how]);
    const outbox = createOutbox({ owner: 'ada', storage, deliver: server.deliver });
    outbox.add(skip('a'));
    outbox.add(skip('b'));
    await settle();
    expect(outbox.view()).toMatchObject({
      unsent: 2,
      unkept: 2,
      refused: true,
      trouble: { code: 'unavailable' },
    });
    server.reachable = true;
    outbox.hurry();
    await settle();
    expect(server.received).toEqual(['a', 'b']);
    expect(outbox.view()).toMatchObject({ unsent: 0, unkept: 0, refused: true });
  });

  it('stores what waits as soon as there is room, in the order in which it was done', async () => {
    const raw = rawStorage();
    let full = true;
    const storage = memoryStorage({
      ...raw,
      get length() {
        return raw.length;
      },
      setItem: (key, value) => {
        if (full) throw new DOMException('exceeded the quota', 'QuotaExceededError');
        raw.setItem(key, value);
      },
    });
    const server = fakeServer();
    server.reachable = false;
    const outbox = createOutbox({ owner: 'ada', storage, deliver: server.deliver });
    outbox.add(skip('a'));
    await settle();
    expect(outbox.view()).toMatchObject({ unkept: 1, refused: true });
    full = false;
    outbox.add(skip('b'));
    expect(outbox.view()).toMatchObject({ unsent: 2, unkept: 0, refused: false });
    server.reachable = true;
    createOutbox({ owner: 'ada', storage, deliver: server.deliver });
    await settle();
    expect(server.received).toEqual(['a', 'b']);
  });
});

it('makes ids that the server takes for UUIDs', () => {
  const ids = Array.from({ length: 50 }, newClientId);
  expect(new Set(ids).size).toBe(50);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});
