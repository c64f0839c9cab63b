import { ArrowRight } from 'lucide-react';
import Link from 'next/link';
import { invitationProblem, listInvitations } from '@/db/invitations';
import { listPeople } from '@/db/users';
import { plural } from '../components/figures/format';
import { buttonClass } from '../components/ui/button-class';
import { Card, CardHeading } from '../components/ui/card';

/** Who is here, and the way to invite more. */
export async function PeopleCard() {
  const people = (await listPeople()).filter(({ imported }) => !imported);
  const links = (await listInvitations()).filter((link) => invitationProblem(link) === null);
  const labeling = people.filter(({ preferences }) => preferences > 0).length;
  return (
    <Card className="flex flex-col gap-4">
      <CardHeading title="People">
        {plural(people.length, 'person', 'people')}, {labeling} of them have labeled.{' '}
        {plural(links.length, 'link')} not used yet.
      </CardHeading>
      <div className="mt-auto flex justify-end">
        <Link href="/people" className={buttonClass()}>
          Invite somebody <ArrowRight aria-hidden />
        </Link>
      </div>
    </Card>
  );
}
