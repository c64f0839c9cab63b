import { headers } from 'next/headers';
import { forbidden, redirect } from 'next/navigation';
import { cache } from 'react';
import { type Action, can } from '@/lib/permissions';
import type { Person } from './person';
import { sessionOf } from './session';
import { toPerson } from './to-person';

/** Who looks at this page, or null; asked once per request however many components want to know. */
export const currentPerson = cache(async (): Promise<Person | null> => {
  const session = await sessionOf(await headers());
  return session ? toPerson(session.user) : null;
});

/**
 * The person a page is for: others are led to sign in, or told that their role does not suffice.
 */
export async function pagePerson(action: Action): Promise<Person> {
  const person = await currentPerson();
  if (!person) redirect('/sign-in');
  if (!can(person.role, action)) forbidden();
  return person;
}
