import { and, asc, count, eq, isNull, max } from 'drizzle-orm';
import { db } from '@/db/client';
import { newId } from '@/db/ids';
import type { PersonSummary, User } from '@/db/people/users';
import { preferences } from '@/db/schema/labels';
import { user } from '@/db/schema/people';
import type { Role } from '@/lib/roles';

/** Makes a person without credentials. */
export async function createUser(input: {
  id?: string;
  name: string;
  email: string;
  role: Role;
}): Promise<User> {
  const now = new Date();
  return db()
    .insert(user)
    .values({ ...input, id: input.id ?? newId(), hasEmail: true, createdAt: now, updatedAt: now })
    .returning()
    .get();
}

/** Everybody, in the order they came. */
export async function listPeople(): Promise<PersonSummary[]> {
  const people = db()
    .select({
      id: user.id,
      name: user.name,
      email: user.email,
      hasEmail: user.hasEmail,
      imported: user.imported,
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
  return people.map(({ hasEmail, ...person }) => ({
    ...person,
    email: hasEmail ? person.email : null,
  }));
}
