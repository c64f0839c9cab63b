import type { Metadata } from 'next';
import { openInvitations } from '@/db/people/invitations';
import { pagePerson } from '../auth/current-person';
import { Page } from '../components/shell/page-frame';
import { Card, CardHeading } from '../components/ui/card';
import { loadPeople } from '../reads/people/load-people';
import { InviteButton } from './invite-button';
import { OpenLinks } from './open-links';
import { PeopleList } from './people-list';

export const metadata: Metadata = { title: 'People' };

export default async function PeoplePage() {
  const person = await pagePerson('people.manage');
  const people = await loadPeople();
  const open = await openInvitations();

  return (
    <Page
      title="People"
      lead="Everybody comes in by a one-time link. Copy it and hand it over; Darkroom sends no mail."
      action={<InviteButton />}
    >
      <div className="flex flex-col gap-6">
        <Card>
          <PeopleList first={people} ownId={person.id} />
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
