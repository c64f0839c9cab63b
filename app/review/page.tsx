import type { Metadata } from 'next';
import { ratesQuerySchema } from '../api/review/schema';
import { pagePerson } from '../auth/current-person';
import { Page } from '../components/shell/page-frame';
import { PipelineTabs } from '../policies/pipeline-tabs';
import { loadRates } from '../reads/review/load-rates';
import { RatesView } from './rates-view';
import { firstValues, type SearchParams } from './search-params';

export const metadata: Metadata = { title: 'Review' };

export default async function ReviewPage({
  searchParams,
}: {
  searchParams: Promise<SearchParams>;
}) {
  await pagePerson('review.read');
  const query = ratesQuerySchema
    .catch(ratesQuerySchema.parse({}))
    .parse(firstValues(await searchParams));
  const view = await loadRates(query);
  return (
    <Page
      title="Defect rates"
      lead="How often each version draws what should not be there. Rejected flags do not count."
      action={<PipelineTabs pipelines={view.pipelines} current={view.pipeline} path="/review" />}
    >
      <RatesView
        key={`${view.pipeline} ${query.purpose}`}
        initial={view}
        query={{ ...query, pipeline: view.pipeline ?? undefined }}
      />
    </Page>
  );
}
