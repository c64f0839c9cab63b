import { createHash, randomBytes } from 'node:crypto';
import { and, desc, eq, gt, isNull } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import type { Role } from '@/lib/roles';
import { recordAudit } from '../audit';
import { db } from '../client';
import { newId } from '../ids';
import { invitations } from '../schema/people';
import { change, immediate, one } from '../transaction';

export type Invitation = Omit<typeof invitations.$inferSelect, 'tokenHash'>;

const dayMs = 24 * 60 * 60 * 1000;

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function withoutHash({ tokenHash: _, ...invitation }: typeof invitations.$inferSelect): Invitation {
  return invitation;
}

/**
 * Makes a one-time link's token. It is returned once; only its hash is stored. `createdBy` null:
 * made at the machine itself. `forUserId`: signs in that person, makes no new one.
 */
export async function createInvitation(input: {
  role: Role;
  createdBy: string | null;
  forUserId?: string;
  note?: string;
  expiresInMs?: number;
}): Promise<{ id: string; token: string; expiresAt: number }> {
  const token = randomBytes(24).toString('base64url');
  const now = Date.now();
  const id = newId();
  const expiresAt = now + (input.expiresInMs ?? 7 * dayMs);
  await immediate(function* (tx) {
    yield* change(
      tx.insert(invitations).values({
        id,
        tokenHash: hashToken(token),
        role: input.role,
        forUserId: input.forUserId ?? null,
        note: input.note ?? null,
        createdBy: input.createdBy,
        createdAt: now,
        expiresAt,
      }),
    );
    yield* recordAudit(tx, {
      actorId: input.createdBy,
      action: 'invitation.create',
      subject: id,
      detail: { role: input.role, forUserId: input.forUserId ?? null },
    });
  });
  return { id, token, expiresAt };
}

/** The invitation behind a token, whatever its state; null when there is none. */
export async function findInvitation(token: string): Promise<Invitation | null> {
  const row = db()
    .select()
    .from(invitations)
    .where(eq(invitations.tokenHash, hashToken(token)))
    .get();
  return row ? withoutHash(row) : null;
}

/** Why an invitation cannot be used (a sentence for the person), or null when it can. */
export function invitationProblem(invitation: Invitation, now = Date.now()): string | null {
  if (invitation.revokedAt !== null) return 'This link has been withdrawn. Ask for a new one.';
  if (invitation.usedAt !== null) return 'This link has been used already. Ask for a new one.';
  if (invitation.expiresAt <= now) return 'This link has expired. Ask for a new one.';
  return null;
}

/** Uses an invitation up, once: of two who try, one gets 'gone'. */
export async function redeemInvitation(input: {
  token: string;
  userId: string;
  now?: number;
}): Promise<Invitation> {
  const now = input.now ?? Date.now();
  return immediate(function* (tx) {
    const row = yield* one(
      tx
        .select()
        .from(invitations)
        .where(eq(invitations.tokenHash, hashToken(input.token))),
    );
    if (!row) throw new AppError('not-found', 'This link is not known. Check that it is complete.');
    const problem = invitationProblem(row, now);
    if (problem) throw new AppError('gone', problem);
    const used = { usedBy: input.userId, usedAt: now };
    yield* change(tx.update(invitations).set(used).where(eq(invitations.id, row.id)));
    yield* recordAudit(tx, { actorId: input.userId, action: 'invitation.redeem', subject: row.id });
    return withoutHash({ ...row, ...used });
  });
}

/** Makes a link useless. Throws 'not-found', or 'conflict' when it has been used. */
export async function revokeInvitation(id: string, actorId: string | null): Promise<void> {
  await immediate(function* (tx) {
    const row = yield* one(tx.select().from(invitations).where(eq(invitations.id, id)));
    if (!row) throw new AppError('not-found', `There is no invitation ${id}.`);
    if (row.usedAt !== null) {
      throw new AppError('conflict', 'This link has been used; pause the person instead.');
    }
    yield* change(
      tx.update(invitations).set({ revokedAt: Date.now() }).where(eq(invitations.id, id)),
    );
    yield* recordAudit(tx, { actorId, action: 'invitation.revoke', subject: id });
  });
}

/** Those that somebody may still use, newest first. */
export async function openInvitations(now = Date.now()): Promise<Invitation[]> {
  const rows = db()
    .select()
    .from(invitations)
    .where(
      and(
        isNull(invitations.usedAt),
        isNull(invitations.revokedAt),
        gt(invitations.expiresAt, now),
      ),
    )
    .orderBy(desc(invitations.createdAt))
    .all();
  return rows.map(withoutHash);
}

/** All invitations, newest first. */
export async function listInvitations(): Promise<Invitation[]> {
  const rows = db().select().from(invitations).orderBy(desc(invitations.createdAt)).all();
  return rows.map(withoutHash);
}
