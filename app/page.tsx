import { redirect } from 'next/navigation';
import { can } from '@/lib/permissions';
import { roleDescriptions } from '@/lib/roles';
import { currentPerson } from './auth/current-person';
import { Page } from './components/shell/page-frame';
import { LabelCard } from './home/label-card';
import { PeopleCard } from './home/people-card';
import { RatesCard } from './home/rates-card';
import { RoundsCard } from './home/rounds-card';

/** The front page: what there is to do next, for whoever looks at it. */
export default async function HomePage() {
  const person = await currentPerson();
  if (!person) redirect('/sign-in');
  const { role } = person;
  return (
    <Page title={`Hello, ${person.name}`} lead={roleDescriptions[role]}>
      <div className="flex flex-col gap-6">
        {can(role, 'rounds.read') ? <RoundsCard mayManage={can(role, 'rounds.manage')} /> : null}
        <div className="grid items-stretch gap-6 md:grid-cols-2">
          <LabelCard personId={person.id} paused={person.paused} />
          {can(role, 'review.read') ? <RatesCard /> : null}
          {can(role, 'people.manage') ? <PeopleCard /> : null}
        </div>
      </div>
    </Page>
  );
}
