import { AppError } from '@/lib/errors';
import { type Action, allowedWhilePaused, can, rolesAllowed } from '@/lib/permissions';
import type { Person } from './person';
import { sessionOf } from './session';
import { toPerson } from './to-person';

/**
 * The one door: who sends these headers, if their role allows the action. Throws 'unauthenticated',
 * 'forbidden', or 'paused' when a paused person wants to change something.
 */
export async function requireRole(headers: Headers, action: Action): Promise<Person> {
  const session = await sessionOf(headers);
  if (!session)
    throw new AppError('unauthenticated', 'Nobody is signed in. Sign in and try again.');
  const person = toPerson(session.user);
  assertMay(person, action);
  return person;
}

/** Throws 'forbidden' or 'paused' unless this person may do this. */
export function assertMay(person: Person, action: Action): void {
  if (!can(person.role, action)) {
    throw new AppError(
      'forbidden',
      `The role ${person.role} does not allow this; it takes ${rolesAllowed(action).join(' or ')}.`,
    );
  }
  if (person.paused && !allowedWhilePaused(action)) {
    throw new AppError(
      'paused',
      'Your account is paused: you may look, but change nothing. Ask a reviewer or an admin why.',
    );
  }
}
