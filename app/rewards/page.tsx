import type { Metadata } from 'next';
import { can } from '@/lib/permissions';
import { pagePerson } from '../auth/current-person';
import { Page } from '../components/shell/page-frame';
import { PipelineTabs } from '../policies/pipeline-tabs';
import { loadRewardModels } from '../reads/reward-models/load-reward-models';
import { RewardsView } from './rewards-view';

export const metadata: Metadata = { title: 'Rewards' };

export default async function RewardsPage({
  searchParams,
}: {
  searchParams: Promise<{ pipeline?: string | string[] }>;
}) {
  const person = await pagePerson('rewards.read');
  const { pipeline: wanted } = await searchParams;
  const view = await loadRewardModels(typeof wanted === 'string' ? wanted : undefined);
  return (
    <Page
      title="Rewards"
      lead="Models that learn from people what to score images by. DRaFT+, DRTune and the other reward methods can follow them."
      action={<PipelineTabs pipelines={view.pipelines} current={view.pipeline} path="/rewards" />}
    >
      <RewardsView
        key={view.pipeline}
        initial={view}
        mayTrain={can(person.role, 'rewards.manage')}
      />
    </Page>
  );
}
