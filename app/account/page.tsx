import type { Metadata } from 'next';
import { headers } from 'next/headers';
import { hasPassword } from '@/db/people/sessions';
import { pagePerson } from '../auth/current-person';
import { ownSessions } from '../auth/own-sessions';
import { Page } from '../components/shell/page-frame';
import { Card, CardHeading } from '../components/ui/card';
import { AccountForm } from './account-form';
import { LoginForm } from './login-form';
import { SessionsCard } from './sessions-card';

export const metadata: Metadata = { title: 'Your settings' };

export default async function AccountPage() {
  const person = await pagePerson('images.read');
  const sessions = await ownSessions(await headers());
  return (
    <Page title="Your settings">
      <div className="grid max-w-4xl items-start gap-6 md:grid-cols-2">
        <Card>
          <CardHeading title="You" />
          <AccountForm name={person.name} blurNsfw={person.blurNsfw} />
        </Card>
        <Card>
          <CardHeading title="Sign-in">
            {person.email
              ? `You sign in as ${person.email}.`
              : 'Without email and password you need a one-time link to sign in elsewhere.'}
          </CardHeading>
          <LoginForm email={person.email} hasPassword={await hasPassword(person.id)} />
        </Card>
        <SessionsCard sessions={sessions} />
      </div>
    </Page>
  );
}
