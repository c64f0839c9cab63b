'use client';

import { isBeingMade, type RewardModelState } from '@/lib/rewards';
import type { RewardModelView } from '../api/reward-models/schema';
import { plural, shortNumber } from '../components/figures/format';
import { Rate } from '../components/figures/rate';
import { Badge } from '../components/ui/badge';
import { Button } from '../components/ui/button';
import { Moment } from '../components/ui/moment';
import { Cell, HeadCell, Table } from '../components/ui/table';
import { useCancelReward } from './queries';

const stateBadges: Partial<
  Record<RewardModelState, { text: string; tone: 'neutral' | 'active' | 'negative' }>
> = {
  queued: { text: 'Waits for a trainer', tone: 'neutral' },
  training: { text: 'In the making', tone: 'active' },
  failed: { text: 'Failed', tone: 'negative' },
  cancelled: { text: 'Cancelled', tone: 'neutral' },
};

/** All versions; a ready one can be looked at. */
export function ModelTable({
  models,
  chosenId,
  onChoose,
  mayTrain,
}: {
  models: RewardModelView[];
  chosenId: string | null;
  onChoose: (id: string) => void;
  mayTrain: boolean;
}) {
  return (
    <Table label="Reward models">
      <thead>
        <tr>
          <HeadCell>Model</HeadCell>
          <HeadCell>Learned from</HeadCell>
          <HeadCell>Right on held-out answers</HeadCell>
          <HeadCell>People agree</HeadCell>
        </tr>
      </thead>
      <tbody>
        {models.map((model) => (
          <tr key={model.id} aria-current={model.id === chosenId || undefined}>
            <Cell className="whitespace-nowrap">
              {model.report ? (
                <button
                  type="button"
                  className="font-medium hover:underline"
                  onClick={() => onChoose(model.id)}
                >
                  {model.name}
                </button>
              ) : (
                <span className="font-medium">{model.name}</span>
              )}
              <StateBadge model={model} shown={model.id === chosenId} />
              <span className="block text-muted-foreground text-xs">
                {model.createdBy ? `Asked for by ${model.createdBy}, ` : ''}
                <Moment ms={model.createdAt} />
              </span>
            </Cell>
            {model.report ? (
              <>
                <Cell className="whitespace-nowrap tabular-nums">
                  {plural(model.report.examples, model.source === 'picks' ? 'pick' : 'image')}
                  <span className="block text-muted-foreground text-xs">
                    by {plural(model.report.annotators, 'person', 'people')}
                  </span>
                </Cell>
                <Cell>
                  <Rate of={model.report.heldOut} />
                </Cell>
                <Cell>
                  <Rate of={model.report.ceiling} />
                </Cell>
              </>
            ) : (
              <Cell colSpan={3} className={model.imported ? '' : 'text-muted-foreground'}>
                {model.imported ? (
                  <Imported of={model.imported} />
                ) : (
                  <Unfinished model={model} mayTrain={mayTrain} />
                )}
              </Cell>
            )}
          </tr>
        ))}
      </tbody>
    </Table>
  );
}

/** Why there is no model, or that it is on its way, with the means to stop it. */
function Unfinished({ model, mayTrain }: { model: RewardModelView; mayTrain: boolean }) {
  const cancel = useCancelReward();
  if (!isBeingMade(model.state)) return model.error ?? 'Nobody waits for it any more.';
  return (
    <span className="flex flex-wrap items-center justify-between gap-3">
      It appears here as soon as it is ready.
      {mayTrain ? (
        <Button
          look="outline"
          size="small"
          busy={cancel.isPending}
          aria-label={`Cancel ${model.name}`}
          onClick={() => cancel.mutate(model.id)}
        >
          Cancel
        </Button>
      ) : null}
    </span>
  );
}

function Imported({ of }: { of: NonNullable<RewardModelView['imported']> }) {
  return (
    <>
      {of.name}
      <span className="block text-muted-foreground text-xs tabular-nums">
        {shortNumber(of.mean)} ± {shortNumber(of.spread)} on four images of the base policy
      </span>
      {of.warnings.map((warning) => (
        <span key={warning} className="mt-1 block text-sm">
          {warning}
        </span>
      ))}
    </>
  );
}

function StateBadge({ model, shown }: { model: RewardModelView; shown: boolean }) {
  const badge = stateBadges[model.state];
  if (badge) {
    return (
      <Badge tone={badge.tone} className="ml-2">
        {badge.text}
      </Badge>
    );
  }
  return shown ? <Badge className="ml-2">Shown above</Badge> : null;
}
