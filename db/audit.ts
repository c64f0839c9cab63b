import { eq } from 'drizzle-orm';
import { auditLog } from './schema/people';
import { change, one, type Steps, type Transaction } from './transaction';

export interface AuditEntry {
  /** Null: Darkroom itself. */
  actorId: string | null;
  /** What was done, as `noun.verb`. */
  action: string;
  /** What it was done to: an id. */
  subject: string;
  detail?: Record<string, unknown>;
}

/**
 * Appends within a decision, so that what was done and its trace are committed together; returns
 * the entry's id.
 */
export function* recordAudit(tx: Transaction, entry: AuditEntry, now = Date.now()): Steps<number> {
  return (yield* one(
    tx
      .insert(auditLog)
      .values({ ...entry, createdAt: now })
      .returning({ id: auditLog.id }),
  )).id;
}

/** For one thing that is done in several transactions: what of it is done by now. */
export function* amendAudit(
  tx: Transaction,
  id: number,
  detail: Record<string, unknown>,
): Steps<void> {
  yield* change(tx.update(auditLog).set({ detail }).where(eq(auditLog.id, id)));
}
