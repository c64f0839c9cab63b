import type { Metadata } from 'next';
import { latestGuidelines } from '@/db/labeling/guidelines';
import { can } from '@/lib/permissions';
import { pagePerson } from '../auth/current-person';
import { LabelDesk } from './label-desk';

export const metadata: Metadata = { title: 'Label' };

export default async function LabelPage() {
  const person = await pagePerson('label');
  const guidelines = await latestGuidelines();
  return (
    <LabelDesk
      personId={person.id}
      blurNsfw={person.blurNsfw}
      mayStartRounds={can(person.role, 'rounds.manage')}
      mayWriteGuidelines={can(person.role, 'guidelines.write')}
      guidelines={guidelines && { version: guidelines.version, markdown: guidelines.markdown }}
    />
  );
}
