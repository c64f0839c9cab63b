'use client';

import { Scale } from 'lucide-react';
import { useState } from 'react';
import type { RewardsView as View } from '../api/reward-models/schema';
import { Card, CardHeading } from '../components/ui/card';
import { Notice } from '../components/ui/notice';
import { ImportCard } from './import-card';
import { MaterialCard } from './material-card';
import { ModelTable } from './model-table';
import { useRewardModels } from './queries';
import { TrustCard } from './trust-card';

/**
 * What there is to learn from, every model learned so far, and how far to trust the one that is
 * looked at.
 */
export function RewardsView({ initial, mayTrain }: { initial: View; mayTrain: boolean }) {
  const { pipeline, models, material } = useRewardModels(initial);
  const [chosenId, choose] = useState<string | null>(null);
  const ready = models.filter(({ report }) => report !== null);
  const chosen = ready.find(({ id }) => id === chosenId) ?? ready[0];
  if (pipeline === null) {
    return (
      <Notice icon={Scale} title="There is no policy to learn for">
        The built-in policy appears when Darkroom is started with <code>npm start</code>.
      </Notice>
    );
  }
  return (
    <div className="flex flex-col gap-6">
      <MaterialCard pipeline={pipeline} material={material} models={models} mayTrain={mayTrain} />
      {chosen ? <TrustCard model={chosen} /> : null}
      {models.length > 0 ? (
        <Card>
          <CardHeading title="Versions">
            Each is kept as it was learned; a run names the one that it follows.
          </CardHeading>
          <ModelTable
            models={models}
            chosenId={chosen?.id ?? null}
            onChoose={choose}
            mayTrain={mayTrain}
          />
        </Card>
      ) : null}
      {mayTrain ? <ImportCard pipeline={pipeline} /> : null}
    </div>
  );
}
