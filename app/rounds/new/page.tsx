import { Image } from 'lucide-react';
import type { Metadata } from 'next';
import { getPolicy } from '@/db/policies/policies';
import { pagePerson } from '../../auth/current-person';
import { Page } from '../../components/shell/page-frame';
import { Notice } from '../../components/ui/notice';
import { trainerState } from '../../reads/rounds/summaries';
import { firstValues, type SearchParams } from '../../review/search-params';
import { pipelineChoices } from './pipelines';
import type { StartingPolicy } from './run-draft';
import { RunForm } from './run-form';

export const metadata: Metadata = { title: 'Start a run' };

export default async function NewRunPage({
  searchParams,
}: {
  searchParams: Promise<SearchParams>;
}) {
  await pagePerson('rounds.manage');
  const { pipeline, start } = firstValues(await searchParams);
  const pipelines = await pipelineChoices();
  const trainer = await trainerState();
  return (
    <Page
      title="Start a run"
      lead="Every setting has a value that works. What you change is marked, and shown on the round's page."
    >
      {pipelines.length > 0 ? (
        <RunForm
          pipelines={pipelines}
          trainerAlive={trainer.alive}
          asked={pipeline ? { pipeline, start: await startOf(start) } : null}
        />
      ) : (
        <Notice icon={Image} title="There is no policy to train">
          The trainer adds the built-in policy when it starts. Run <code>npm start</code>.
        </Notice>
      )}
    </Page>
  );
}

/** The policy that a link names; undefined where there is none of that id. */
async function startOf(id: string | undefined): Promise<StartingPolicy | undefined> {
  const policy = id === undefined ? null : await getPolicy(id).catch(() => null);
  return policy ? { id: policy.id, trained: policy.manifest.config?.training } : undefined;
}
