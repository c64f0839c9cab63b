import { Image } from 'lucide-react';
import type { Metadata } from 'next';
import { pagePerson } from '../../auth/current-person';
import { Page } from '../../components/shell/page-frame';
import { Notice } from '../../components/ui/notice';
import { trainerState } from '../../reads/rounds/summaries';
import { pipelineChoices } from './pipelines';
import { RunForm } from './run-form';

export const metadata: Metadata = { title: 'Start a run' };

export default async function NewRunPage() {
  await pagePerson('rounds.manage');
  const pipelines = await pipelineChoices();
  const trainer = await trainerState();
  return (
    <Page
      title="Start a run"
      lead="Every setting has a value that works. What you change is marked, and shown on the round's page."
    >
      {pipelines.length > 0 ? (
        <RunForm pipelines={pipelines} trainerAlive={trainer.alive} />
      ) : (
        <Notice icon={Image} title="There is no policy to train">
          The trainer adds the built-in policy when it starts. Run <code>npm start</code>.
        </Notice>
      )}
    </Page>
  );
}
