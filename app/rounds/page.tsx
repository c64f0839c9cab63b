import { Plus } from 'lucide-react';
import type { Metadata } from 'next';
import Link from 'next/link';
import { can } from '@/lib/permissions';
import { pagePerson } from '../auth/current-person';
import { Page } from '../components/shell/page-frame';
import { buttonClass } from '../components/ui/button-class';
import { loadImports } from '../reads/imports/load-imports';
import { loadRounds } from '../reads/rounds/load-rounds';
import { ImportsSection } from './imports/imports-section';
import { RoundsView } from './rounds-view';

export const metadata: Metadata = { title: 'Rounds' };

export default async function RoundsPage() {
  const person = await pagePerson('rounds.read');
  const mayManage = can(person.role, 'rounds.manage');
  return (
    <Page
      title="Rounds"
      lead="Each round draws pairs, waits for people to pick, trains on the picks, and measures what came of it."
      action={
        mayManage ? (
          <Link href="/rounds/new" className={buttonClass({ look: 'primary' })}>
            <Plus aria-hidden /> Start a run
          </Link>
        ) : null
      }
    >
      <RoundsView initial={await loadRounds()} mayManage={mayManage} />
      <ImportsSection initial={await loadImports()} />
    </Page>
  );
}
