import { Link2Off } from 'lucide-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import { redirect } from 'next/navigation';
import { latestGuidelines } from '@/db/labeling/guidelines';
import { findInvitation, invitationProblem } from '@/db/people/invitations';
import { findUser } from '@/db/people/users';
import { roleDescriptions } from '@/lib/roles';
import { currentPerson } from '../../auth/current-person';
import { NarrowPage } from '../../components/shell/narrow-page';
import { buttonClass } from '../../components/ui/button-class';
import { Notice } from '../../components/ui/notice';
import { JoinForm } from './join-form';
import { WelcomeBack } from './welcome-back';

export const metadata: Metadata = { title: 'Welcome' };

/**
 * Where a one-time link leads. Looking does not use the link up (mail programs and chats look too);
 * pressing the button does.
 */
export default async function JoinPage({ params }: { params: Promise<{ token: string }> }) {
  const { token } = await params;
  const invitation = await findInvitation(token);
  const problem = invitation ? invitationProblem(invitation) : 'This link is not complete.';
  const person = await currentPerson();

  if (!invitation || problem) {
    if (person) redirect('/');
    return (
      <Notice
        icon={Link2Off}
        title="This link does not open anything"
        action={
          <Link href="/sign-in" className={buttonClass()}>
            Sign in
          </Link>
        }
      >
        {problem}
      </Notice>
    );
  }

  if (invitation.forUserId) {
    if (person?.id === invitation.forUserId) redirect('/');
    const owner = await findUser(invitation.forUserId);
    return (
      <NarrowPage
        title={`Welcome back, ${owner?.name ?? 'friend'}`}
        lead="This link signs you in once."
      >
        <WelcomeBack token={token} />
      </NarrowPage>
    );
  }

  const madeAtStart = invitation.createdBy === null;
  return (
    <NarrowPage
      title="Welcome to Darkroom"
      lead={
        madeAtStart
          ? 'Two images of one prompt, side by side: pick the better one. From your picks the model learns to draw better ones.'
          : `You are invited as ${invitation.role}. ${roleDescriptions[invitation.role]}`
      }
    >
      <JoinForm
        token={token}
        role={invitation.role}
        suggestedName={madeAtStart ? 'Admin' : ''}
        guidelinesVersion={madeAtStart ? ((await latestGuidelines())?.version ?? null) : null}
      />
    </NarrowPage>
  );
}
