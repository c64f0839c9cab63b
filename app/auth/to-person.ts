import { type Person, personSchema } from './person';

/** What better-auth keeps of a user, as a Person. Throws when the row does not fit. */
export function toPerson(user: Record<string, unknown>): Person {
  return personSchema.parse({
    ...user,
    email: user.hasEmail ? user.email : null,
    paused: user.pausedAt !== null && user.pausedAt !== undefined,
  });
}
