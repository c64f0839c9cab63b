import type { Metadata } from 'next';
import { latestGuidelines } from '@/db/labeling/guidelines';
import { pagePerson } from '../auth/current-person';
import { Page } from '../components/shell/page-frame';
import { GuidelinesEditor } from './guidelines-editor';

export const metadata: Metadata = { title: 'Guidelines' };

export default async function GuidelinesPage() {
  await pagePerson('guidelines.write');
  const current = await latestGuidelines();
  return (
    <Page
      title="Guidelines"
      lead="What annotators go by. Each pick keeps the version it was made under; a new version has to be accepted by everybody before their next pair."
    >
      <GuidelinesEditor markdown={current?.markdown ?? ''} version={current?.version ?? 0} />
    </Page>
  );
}
