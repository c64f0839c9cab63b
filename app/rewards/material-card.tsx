'use client';

import { rewardSources } from '@/lib/rewards';
import type { Material, RewardModelView } from '../api/reward-models/schema';
import { countText, plural } from '../components/figures/format';
import { Button } from '../components/ui/button';
import { Card, CardHeading } from '../components/ui/card';
import { useTrainReward } from './queries';

/** What people have said that a model could learn from, and the button that makes it learn. */
export function MaterialCard({
  pipeline,
  material,
  models,
  mayTrain,
}: {
  pipeline: string;
  material: Material[];
  models: RewardModelView[];
  mayTrain: boolean;
}) {
  const train = useTrainReward(pipeline);
  return (
    <Card>
      <CardHeading title="Learn from people">
        A small reading of the base policy’s own view of an image. Learned within seconds.
      </CardHeading>
      <ul className="grid gap-4 lg:grid-cols-2">
        {material.map(({ source, decided, annotators, problem }) => {
          const { label, explanation } = rewardSources[source];
          const busy = models.some(
            (model) =>
              model.source === source && (model.state === 'queued' || model.state === 'training'),
          );
          return (
            <li key={source} className="flex flex-col gap-3 rounded-md border p-4">
              <div className="flex items-baseline justify-between gap-3">
                <h3 className="font-medium">{label}</h3>
                <p className="text-right text-sm tabular-nums">
                  {countText(decided)} {source === 'picks' ? 'decided' : 'images'}
                  <span className="block text-muted-foreground text-xs">
                    by {plural(annotators, 'person', 'people')}
                  </span>
                </p>
              </div>
              <p className="text-muted-foreground text-sm">{explanation}</p>
              {problem ? <p className="text-sm">{problem}</p> : null}
              {mayTrain ? (
                <Button
                  className="mt-auto self-start"
                  look={problem ? 'outline' : 'primary'}
                  disabled={problem !== null}
                  busy={busy || (train.isPending && train.variables === source)}
                  onClick={() => train.mutate(source)}
                >
                  {busy ? 'Learning' : `Learn from ${label.toLowerCase()}`}
                </Button>
              ) : null}
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
