import type { Metadata } from 'next';
import { invitationProblem, listInvitations } from '@/db/invitations';
import { listPeople } from '@/db/users';
import { pagePerson } from '../auth/current-person';
import { plural } from '../components/figures/format';
import { Page } from '../components/shell/page-frame';
import { Card, CardHeading } from '../components/ui/card';
import { InviteButton } from './invite-button';
import { OpenLinks } from './open-links';
import { PeopleTable } from './people-table';

export const metadata: Metadata = { title: 'People' };

export default async function PeoplePage() {
  const person = await pagePerson('people.manage');
  const everybody = await listPeople();
  const people = everybody.filter(({ imported }) => !imported);
  const imported = everybody.length - people.length;
  const invitations = await listInvitations();
  const open = invitations.filter((invitation) => invitationProblem(invitation) === null);

  return (
    <Page
      title="People"
      lead="Everybody comes in by a one-time link. Copy it and hand it over; Darkroom sends no mail."
      action={<InviteButton />}
    >
      <div className="flex flex-col gap-6">
        <Card>
          <PeopleTable
            ownId={person.id}
            people={people.map(
              ({ id, name, email, role, pausedAt, preferences, lastActiveAt }) => ({
                id,
                name,
                email,
                role,
                paused: pausedAt !== null,
                preferences,
                lastActiveAt,
              }),
            )}
          />
          {imported > 0 ? (
            <p className="mt-4 text-muted-foreground text-sm">
              {plural(imported, 'more name stands', 'more names stand')} for whoever gave imported
              answers; they cannot sign in.
            </p>
          ) : null}
        </Card>
        {open.length > 0 ? (
          <Card>
            <CardHeading title="Open links">
              Not used yet. A link can be copied only when it is made; withdraw it if it went
              astray.
            </CardHeading>
            <OpenLinks
              links={open.map(({ id, role, note, expiresAt }) => ({ id, role, note, expiresAt }))}
            />
          </Card>
        ) : null}
      </div>
    </Page>
  );
}
