import type { Metadata } from 'next';
import { flagsQuerySchema } from '../../api/review/schema';
import { pagePerson } from '../../auth/current-person';
import { Page } from '../../components/shell/page-frame';
import { loadFlags } from '../../reads/review/load-flags';
import { firstValues, type SearchParams } from '../search-params';
import { FlagsView } from './flags-view';

export const metadata: Metadata = { title: 'Flags' };

export default async function FlagsPage({ searchParams }: { searchParams: Promise<SearchParams> }) {
  const person = await pagePerson('review.decide');
  const query = flagsQuerySchema
    .catch(flagsQuerySchema.parse({}))
    .parse(firstValues(await searchParams));
  return (
    <Page
      title="Flags"
      lead="Is the flag right? What you reject no longer counts in any rate. You can always change it."
    >
      <FlagsView
        key={JSON.stringify(query)}
        query={query}
        initial={await loadFlags(query)}
        blurNsfw={person.blurNsfw}
      />
    </Page>
  );
}
