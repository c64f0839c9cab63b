import { and, asc, count, eq, isNull, max } from 'drizzle-orm';
import { AppError } from '@/lib/errors';
import type { Role } from '@/lib/roles';
import { recordAudit } from './audit';
import { db } from './client';
import { recountFor } from './held-back';
import { newId } from './ids';
import { leases, preferences } from './schema/labels';
import { user } from './schema/people';
import { immediate, type Transaction } from './transaction';

export type User = typeof user.$inferSelect;

/** A person with what they have done; `lastActiveAt` is their last answer, ms. */
export type PersonSummary = Pick<
  User,
  'id' | 'name' | 'email' | 'role' | 'pausedAt' | 'createdAt'
> & {
  /** Stands for whoever gave imported answers; cannot sign in. */
  imported: boolean;
  preferences: number;
  lastActiveAt: number | null;
};

/** Nobody can have an address under RFC 2606's `.invalid`. */
const importedDomain = '@imported.invalid';

/** The address of the account that imported answers are kept under. */
export const importedEmail = (id: string): string => `${id}${importedDomain}`;

/** Makes a person without credentials: for seeds, simulations and tests. Pages sign up instead. */
export async function createUser(input: {
  id?: string;
  name: string;
  email: string;
  role: Role;
}): Promise<User> {
  const now = new Date();
  return immediate((tx) =>
    tx
      .insert(user)
      .values({ ...input, id: input.id ?? newId(), createdAt: now, updatedAt: now })
      .returning()
      .get(),
  );
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

/** Everybody, in the order they came. */
export async function listPeople(): Promise<PersonSummary[]> {
  const people = db()
    .select({
      id: user.id,
      name: user.name,
      email: user.email,
      role: user.role,
      pausedAt: user.pausedAt,
      createdAt: user.createdAt,
      preferences: count(preferences.id),
      lastActiveAt: max(preferences.createdAt),
    })
    .from(user)
    .leftJoin(
      preferences,
      and(eq(preferences.annotatorId, user.id), isNull(preferences.supersededAt)),
    )
    .groupBy(user.id)
    .orderBy(asc(user.createdAt))
    .all();
  return people.map((person) => ({ ...person, imported: person.email.endsWith(importedDomain) }));
}

function mustFind(tx: Transaction, id: string): User {
  const found = tx.select().from(user).where(eq(user.id, id)).get();
  if (!found) throw new AppError('not-found', `There is no person ${id}.`);
  return found;
}

function refuseWithoutAdmin(tx: Transaction, person: User, what: string): void {
  const admins = tx
    .select({ id: user.id })
    .from(user)
    .where(and(eq(user.role, 'admin'), isNull(user.pausedAt)))
    .all();
  if (admins.length === 1 && admins[0]?.id === person.id) {
    throw new AppError(
      'conflict',
      `${person.name} is the only admin and cannot be ${what}. Make someone else admin first.`,
    );
  }
}

/** Changes a role. Throws 'conflict' rather than leave nobody as admin. */
export async function setRole(id: string, role: Role, actorId: string | null): Promise<void> {
  await immediate((tx) => {
    const person = mustFind(tx, id);
    if (role !== 'admin') refuseWithoutAdmin(tx, person, `made ${role}`);
    tx.update(user).set({ role, updatedAt: new Date() }).where(eq(user.id, id)).run();
    recordAudit(tx, {
      actorId,
      action: 'person.role',
      subject: id,
      detail: { from: person.role, to: role },
    });
  });
}

/** Holds back a person: no more pairs, leases given back, preferences neither counted nor trained on. */
export async function pausePerson(id: string, actorId: string | null): Promise<void> {
  const now = Date.now();
  await immediate((tx) => {
    const person = mustFind(tx, id);
    if (person.pausedAt !== null) return;
    refuseWithoutAdmin(tx, person, 'paused');
    tx.update(user)
      .set({ pausedAt: now, updatedAt: new Date(now) })
      .where(eq(user.id, id))
      .run();
    tx.update(leases)
      .set({ releasedAt: now })
      .where(and(eq(leases.annotatorId, id), isNull(leases.releasedAt)))
      .run();
    recountFor(tx, id, now);
    recordAudit(tx, { actorId, action: 'person.pause', subject: id });
  });
}

export async function resumePerson(id: string, actorId: string | null): Promise<void> {
  await immediate((tx) => {
    mustFind(tx, id);
    tx.update(user).set({ pausedAt: null, updatedAt: new Date() }).where(eq(user.id, id)).run();
    recountFor(tx, id, Date.now());
    recordAudit(tx, { actorId, action: 'person.resume', subject: id });
  });
}

/** Whether a person wants images with blood or nudity blurred until asked for. */
export async function setBlurNsfw(id: string, blurNsfw: boolean): Promise<void> {
  await immediate((tx) => {
    mustFind(tx, id);
    tx.update(user).set({ blurNsfw, updatedAt: new Date() }).where(eq(user.id, id)).run();
  });
}
