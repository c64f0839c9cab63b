import { and, asc, eq, isNull } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import { outranks, type Role } from '@/lib/roles';
import { recordAudit } from '../audit';
import { db } from '../client';
import { newId } from '../ids';
import { recountFor } from '../labeling/held-back';
import { groupLeases } from '../schema/group-leases';
import { leases } from '../schema/labels';
import { user } from '../schema/people';
import { all, change, immediate, one, type Steps, type Transaction } from '../transaction';
import { endSessions } from './sessions';

export type User = typeof user.$inferSelect;

/** A person with what they have done; `lastActiveAt` is their last answer, ms. */
export type PersonSummary = Pick<
  User,
  'id' | 'name' | 'role' | 'pausedAt' | 'createdAt' | 'imported'
> & {
  /** Null where none was given. */
  email: string | null;
  preferences: number;
  lastActiveAt: number | null;
};

/**
 * What fills the address of somebody who gave none: the table wants one, and wants it unique. It
 * tells nothing; who has an address and who is imported stand in columns. RFC 2606 keeps `.invalid`
 * free.
 */
export function placeholderEmail(): string {
  return `${newId()}@darkroom.invalid`;
}

export async function findUser(id: string): Promise<User | null> {
  return db().select().from(user).where(eq(user.id, id)).get() ?? null;
}

/** The first admin of all, or null before there is one. */
export async function firstAdmin(): Promise<User | null> {
  return (
    db()
      .select()
      .from(user)
      .where(eq(user.role, 'admin'))
      .orderBy(asc(user.createdAt))
      .limit(1)
      .get() ?? null
  );
}

function* mustFind(tx: Transaction, id: string): Steps<User> {
  const found = yield* one(tx.select().from(user).where(eq(user.id, id)));
  if (!found) throw new AppError('not-found', `There is no person ${id}.`);
  return found;
}

/**
 * Whose role or pause somebody may change: neither what is above them, nor a pause of their own.
 */
function* refuseActor(
  tx: Transaction,
  actorId: string | null,
  person: User,
  what: string,
): Steps<void> {
  if (actorId === null) return;
  const actor = yield* mustFind(tx, actorId);
  if (outranks(person.role, actor.role)) {
    throw new AppError(
      'forbidden',
      `${person.name} is ${person.role} and cannot be ${what} by a ${actor.role}. Ask an admin.`,
    );
  }
  if (actor.pausedAt !== null) {
    throw new AppError(
      'paused',
      `Your account is paused, so nobody can be ${what} by you. Ask another admin or reviewer.`,
    );
  }
}

function* refuseWithoutAdmin(tx: Transaction, person: User, what: string): Steps<void> {
  const admins = yield* all(
    tx
      .select({ id: user.id })
      .from(user)
      .where(and(eq(user.role, 'admin'), isNull(user.pausedAt))),
  );
  if (admins.length === 1 && admins[0]?.id === person.id) {
    throw new AppError(
      'conflict',
      `${person.name} is the only admin and cannot be ${what}. Make someone else admin first.`,
    );
  }
}

/**
 * Changes a role; a lower one signs the person out everywhere. Throws 'conflict' rather than leave
 * nobody as admin, or for an imported name, which nobody can sign in as.
 */
export async function setRole(id: string, role: Role, actorId: string | null): Promise<void> {
  await immediate(function* (tx) {
    const person = yield* mustFind(tx, id);
    if (person.imported) {
      throw new AppError('conflict', `${person.name} stands for imported answers and has no role.`);
    }
    yield* refuseActor(tx, actorId, person, `made ${role}`);
    if (role !== 'admin') yield* refuseWithoutAdmin(tx, person, `made ${role}`);
    if (outranks(person.role, role)) yield* endSessions(tx, id);
    yield* change(tx.update(user).set({ role, updatedAt: new Date() }).where(eq(user.id, id)));
    yield* recordAudit(tx, {
      actorId,
      action: 'person.role',
      subject: id,
      detail: { from: person.role, to: role },
    });
  });
}

/**
 * Holds back a person: signed out, no more pairs, leases given back, preferences neither counted
 * nor trained on.
 */
export async function pausePerson(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  await immediate(function* (tx) {
    const person = yield* mustFind(tx, id);
    if (person.pausedAt !== null) return;
    yield* refuseActor(tx, actorId, person, 'paused');
    yield* refuseWithoutAdmin(tx, person, 'paused');
    yield* endSessions(tx, id);
    yield* change(
      tx
        .update(user)
        .set({ pausedAt: now, updatedAt: new Date(now) })
        .where(eq(user.id, id)),
    );
    for (const table of [leases, groupLeases]) {
      yield* change(
        tx
          .update(table)
          .set({ releasedAt: now })
          .where(and(eq(table.annotatorId, id), isNull(table.releasedAt))),
      );
    }
    yield* recountFor(tx, id, now);
    yield* recordAudit(tx, { actorId, action: 'person.pause', subject: id });
  });
}

/**
 * Lets a person label again, and their answers count. Throws 'paused' for one's own pause,
 * 'forbidden' for a higher role's.
 */
export async function resumePerson(id: string, actorId: string | null): Promise<void> {
  await immediate(function* (tx) {
    yield* refuseActor(tx, actorId, yield* mustFind(tx, id), 'resumed');
    yield* change(
      tx.update(user).set({ pausedAt: null, updatedAt: new Date() }).where(eq(user.id, id)),
    );
    yield* recountFor(tx, id, Date.now());
    yield* recordAudit(tx, { actorId, action: 'person.resume', subject: id });
  });
}

/** Whether a person wants unsafe images (a flag `nsfw`) blurred until asked for. */
export async function setBlurNsfw(id: string, blurNsfw: boolean): Promise<void> {
  await immediate(function* (tx) {
    yield* mustFind(tx, id);
    yield* change(tx.update(user).set({ blurNsfw, updatedAt: new Date() }).where(eq(user.id, id)));
  });
}
