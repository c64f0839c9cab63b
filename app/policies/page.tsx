import type { Metadata } from 'next';
import { can } from '@/lib/permissions';
import { pagePerson } from '../auth/current-person';
import { Page } from '../components/shell/page-frame';
import { loadGrid } from '../reads/policies/load-grid';
import { loadImports } from '../reads/policies/load-imports';
import { loadPolicies } from '../reads/policies/load-policies';
import { loadRatings } from '../reads/policies/load-ratings';
import { firstValues, type SearchParams } from '../review/search-params';
import { ImportButton } from './imports/import-button';
import { ImportsCard } from './imports/imports-card';
import { PipelineTabs } from './pipeline-tabs';
import { PoliciesView } from './policies-view';

export const metadata: Metadata = { title: 'Policies' };

export default async function PoliciesPage({
  searchParams,
}: {
  searchParams: Promise<SearchParams>;
}) {
  const person = await pagePerson('policies.read');
  const { pipeline, drawing } = firstValues(await searchParams);
  const view = await loadPolicies({ pipeline, drawing });
  const shown = { drawing: view.drawing ?? undefined, offset: 0 };
  const grid = view.pipeline && (await loadGrid({ pipeline: view.pipeline, ...shown }));
  const ratings = view.pipeline
    ? await loadRatings({ pipeline: view.pipeline, drawing: shown.drawing })
    : null;
  const mayImport = can(person.role, 'policies.import');
  return (
    <Page
      title="Policies"
      lead="Every version a round has made, and where it comes from. None is ever changed or deleted."
      action={
        <div className="flex flex-wrap items-center gap-2">
          <PipelineTabs pipelines={view.pipelines} current={view.pipeline} path="/policies" />
          {mayImport ? <ImportButton /> : null}
        </div>
      }
    >
      <div className="mb-6 empty:hidden">
        <ImportsCard initial={await loadImports()} mayImport={mayImport} />
      </div>
      <PoliciesView
        key={`${view.pipeline} ${view.drawing}`}
        initial={view}
        firstGridPage={grid || null}
        ratings={ratings}
        mayAsk={can(person.role, 'rounds.manage')}
        mayServe={can(person.role, 'policies.serve')}
        mayDownload={can(person.role, 'policies.download')}
        blurNsfw={person.blurNsfw}
      />
    </Page>
  );
}
