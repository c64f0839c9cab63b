import type { Metadata } from 'next';
import { redirect } from 'next/navigation';
import { currentPerson } from '../auth/current-person';
import { NarrowPage } from '../components/shell/narrow-page';
import { SignInForm } from './sign-in-form';

export const metadata: Metadata = { title: 'Sign in' };

export default async function SignInPage() {
  if (await currentPerson()) redirect('/');
  return (
    <NarrowPage
      title="Sign in"
      lead="Without a password you come in by a one-time link: an admin makes them, and so does the start command for its owner."
    >
      <SignInForm />
    </NarrowPage>
  );
}
