import { ArrowRight } from 'lucide-react';
import Link from 'next/link';
import { openInvitations } from '@/db/people/invitations';
import { countPeople } from '@/db/people/list';
import { countText, plural } from '../components/figures/format';
import { buttonClass } from '../components/ui/button-class';
import { Card, CardHeading } from '../components/ui/card';

/** Who is here, and the way to invite more. */
export async function PeopleCard() {
  const { people, judging } = await countPeople();
  const links = await openInvitations();
  return (
    <Card className="flex flex-col gap-4">
      <CardHeading title="People">
        {plural(people, 'person', 'people')}, {countText(judging)} of them have labeled.{' '}
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
