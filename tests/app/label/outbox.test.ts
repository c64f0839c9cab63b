import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Outcome } from '@/app/api/label/schema';
import { newClientId } from '@/app/label/new-id';
import { createOutbox, type Deed } from '@/app/label/outbox';
import { AppError } from '@/lib/errors';

/** Web storage as browsers have it: strings by key, in no promised order. */
function memoryStorage() {
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

function skip(leaseId: string): Deed {
  return { kind: 'skip', leaseId, body: { leaseId } };
}

/** A server that can be switched off, and remembers what reached it. */
function fakeServer() {
  const server = {
    reachable: true,
    received: [] as (string | null)[],
    refuse: null as AppError | null,
    deliver: async (deed: Deed): Promise<Outcome> => {
      if (!server.reachable) throw new AppError('unavailable', 'no connection');
      server.received.push(deed.leaseId);
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
    expect(outbox.view()).toEqual({ unsent: 0, leaseIds: [], trouble: null });
    expect(storage.length).toBe(0);
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
    expect(storage.length).toBe(0);
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
    outbox.watch((deed, result) => heard.push([deed.leaseId, result]));
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

  it('keeps deeds when the session has ended, for the same person only', async () => {
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
    storage.setItem('darkroom-outbox:ada:000000000000001:0000', '{"kind":"unknown"}');
    storage.setItem('darkroom-outbox:ada:000000000000002:0000', 'no JSON');
    const outbox = createOutbox({ owner: 'ada', storage, deliver: fakeServer().deliver });
    expect(outbox.view().unsent).toBe(0);
  });
});

it('makes ids that the server takes for UUIDs', () => {
  const ids = Array.from({ length: 50 }, newClientId);
  expect(new Set(ids).size).toBe(50);
  for (const id of ids) {
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});
