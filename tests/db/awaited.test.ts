/** The operations of db/ are written once: what holds of them under SQLite's runner holds here. */
import { afterAll, describe, expect, vi } from 'vitest';
import { awaited, closeAwaiting } from './awaiting';

vi.mock('@/db/transaction', async (original) => {
  const { immediate, read } = await import('./awaiting');
  return { ...(await original<typeof import('@/db/transaction')>()), immediate, read };
});

/** Tests that run under SQLite's runner where they stand. */
function again(what: string, tests: () => Promise<unknown>) {
  describe(what, async () => {
    await tests();
  });
}

describe('under a runner that awaits each step', () => {
  afterAll(() => {
    closeAwaiting();
    expect(awaited.decisions).toBeGreaterThan(1000);
    expect(awaited.reads).toBeGreaterThan(100);
    expect(awaited.steps).toBeGreaterThan(5 * awaited.decisions);
  });

  again('leases of pairs', () => import('./leases/pair-leases.test'));
  again('any order of picks', () => import('./leases/pair-leases.property.test'));
  again('readings', () => import('./labeling/taggings.test'));
  again('people who are paused', () => import('./labeling/held-back.test'));
  again('rounds that move on', () => import('./rounds/advance.test'));
  again('the queue', () => import('./work/queue.test'));
  again('a story', () => import('./story.test'));
});
