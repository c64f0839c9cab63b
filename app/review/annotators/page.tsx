import type { Metadata } from 'next';
import { can } from '@/lib/permissions';
import { pagePerson } from '../../auth/current-person';
import { Page } from '../../components/shell/page-frame';
import { loadAnnotators } from '../../reads/review/load-annotators';
import { AnnotatorsView } from './annotators-view';

export const metadata: Metadata = { title: 'Annotators' };

export default async function AnnotatorsPage() {
  const person = await pagePerson('review.read');
  return (
    <Page
      title="Annotators"
      lead="How people judge, not how much. Figures with few answers behind them say little: look at the interval."
    >
      <AnnotatorsView
        initial={await loadAnnotators()}
        mayPause={can(person.role, 'annotators.pause')}
      />
    </Page>
  );
}
