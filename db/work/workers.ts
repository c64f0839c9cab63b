import { asc, eq } from 'drizzle-orm';
import { db } from '../client';
import { recordEvent } from '../events';
import { workers } from '../schema/rounds';
import { change, immediate } from '../transaction';
import { putBackAll, takeoverMs } from './queue';

export type Worker = typeof workers.$inferSelect & { alive: boolean };

/** Makes a trainer process known; registering again replaces what was known of it. */
export async function registerWorker(input: {
  id: string;
  pid: number;
  host: string;
  device: string;
  info?: Record<string, unknown>;
}): Promise<void> {
  const now = Date.now();
  const row = { ...input, info: input.info ?? {}, startedAt: now, heartbeatAt: now };
  await immediate(function* (tx) {
    yield* change(
      tx.insert(workers).values(row).onConflictDoUpdate({ target: workers.id, set: row }),
    );
    yield* recordEvent(tx, {
      kind: 'worker',
      payload: {
        workerId: input.id,
        alive: true,
        message: `Trainer started on ${input.host} (${input.device}).`,
      },
      roundId: null,
    });
  });
}

/** Says that a process lives; `info` replaces what pages show about it. */
export async function heartbeatWorker(id: string, info?: Record<string, unknown>): Promise<void> {
  await immediate((tx) =>
    change(
      tx
        .update(workers)
        .set({ heartbeatAt: Date.now(), ...(info && { info }) })
        .where(eq(workers.id, id)),
    ),
  );
}

/**
 * Takes a process that has ended off the list and puts its work back at once, cursor kept. A
 * trainer that starts does this for dead processes of its own host instead of waiting out their
 * claims.
 */
export async function removeWorker(id: string): Promise<void> {
  await immediate(function* (tx) {
    yield* change(tx.delete(workers).where(eq(workers.id, id)));
    yield* putBackAll(tx, id);
    yield* recordEvent(tx, {
      kind: 'worker',
      payload: { workerId: id, alive: false, message: 'Trainer stopped.' },
      roundId: null,
    });
  });
}

/** Every known process; `alive` when heard of within 30 s. */
export async function listWorkers(now = Date.now()): Promise<Worker[]> {
  const rows = db().select().from(workers).orderBy(asc(workers.startedAt)).all();
  return rows.map((row) => ({ ...row, alive: row.heartbeatAt > now - takeoverMs }));
}
