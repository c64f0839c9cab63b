import type { Metadata } from 'next';
import { can } from '@/lib/permissions';
import { pagePerson } from '../auth/current-person';
import { Page } from '../components/shell/page-frame';
import { loadGrid } from '../reads/policies/load-grid';
import { loadPolicies } from '../reads/policies/load-policies';
import { PipelineTabs } from './pipeline-tabs';
import { PoliciesView } from './policies-view';

export const metadata: Metadata = { title: 'Policies' };

export default async function PoliciesPage({
  searchParams,
}: {
  searchParams: Promise<{ pipeline?: string | string[] }>;
}) {
  const person = await pagePerson('policies.read');
  const { pipeline: wanted } = await searchParams;
  const view = await loadPolicies({ pipeline: typeof wanted === 'string' ? wanted : undefined });
  const grid = view.pipeline && (await loadGrid({ pipeline: view.pipeline, offset: 0 }));
  return (
    <Page
      title="Policies"
      lead="Every version a round has made, and where it comes from. None is ever changed or deleted."
      action={<PipelineTabs pipelines={view.pipelines} current={view.pipeline} path="/policies" />}
    >
      <PoliciesView
        key={view.pipeline}
        initial={view}
        firstGridPage={grid || null}
        mayServe={can(person.role, 'policies.serve')}
        mayDownload={can(person.role, 'policies.download')}
        blurNsfw={person.blurNsfw}
      />
    </Page>
  );
}
