'use client';

import { Plus, X } from 'lucide-react';
import Link from 'next/link';
import { analyticRewards } from '@/lib/rewards';
import { Button } from '../../components/ui/button';
import { Card, CardHeading } from '../../components/ui/card';
import { Field, Input } from '../../components/ui/field';
import { Select, type SelectOption } from '../../components/ui/select';
import { Switch } from '../../components/ui/switch';
import type { PipelineChoice } from './pipelines';
import { type Problems, type TypedReward, typedReward } from './run-draft';

/** What images are scored by: one reward, or several with their weights. */
export function RewardsField({
  rewards,
  models,
  problems,
  onChange,
}: {
  rewards: TypedReward[];
  models: PipelineChoice['rewardModels'];
  problems: Problems;
  onChange: (rewards: TypedReward[]) => void;
}) {
  const options: SelectOption<string>[] = [
    ...models.map(({ id, name, hint }) => ({ value: id, label: name, hint })),
    ...Object.entries(analyticRewards).map(([value, { label, explanation }]) => ({
      value,
      label,
      hint: explanation,
    })),
  ];
  const unused = options.find(({ value }) => !rewards.some(({ model }) => model === value));
  const change = (at: number, part: Partial<TypedReward>) =>
    onChange(rewards.map((reward, i) => (i === at ? { ...reward, ...part } : reward)));
  return (
    <Card>
      <CardHeading title="Reward">
        What an image is scored by. The judge that measures a run is never on offer.
      </CardHeading>
      <ul className="flex flex-col gap-4">
        {rewards.map(({ model, weight, hinge, normalize }, at) => (
          <li
            // biome-ignore lint/suspicious/noArrayIndexKey: a row has no name of its own, and rows are never reordered.
            key={at}
            className="grid grid-cols-[minmax(0,1fr)_minmax(0,1fr)_auto] items-start gap-3 sm:grid-cols-[minmax(0,1fr)_6rem_6rem_auto]"
          >
            <Field
              label={rewards.length > 1 ? `Reward ${at + 1}` : 'Reward'}
              help={options.find(({ value }) => value === model)?.hint}
              error={problems[`config.rewards.${at}.model`]}
              className="col-span-3 sm:col-span-1"
            >
              <Select
                label={rewards.length > 1 ? `Reward ${at + 1}` : 'Reward'}
                value={model}
                placeholder="Choose a reward"
                options={options}
                onChange={(value) => change(at, { model: value })}
              />
            </Field>
            <Field label="Weight" error={problems[`config.rewards.${at}.weight`]}>
              <Input
                inputMode="decimal"
                autoComplete="off"
                value={weight}
                onChange={(event) => change(at, { weight: event.target.value })}
                className="tabular-nums"
              />
            </Field>
            <Field label="Hinge" error={problems[`config.rewards.${at}.hinge`]}>
              <Input
                inputMode="decimal"
                autoComplete="off"
                placeholder="none"
                value={hinge}
                onChange={(event) => change(at, { hinge: event.target.value })}
                className="tabular-nums"
              />
            </Field>
            <Button
              look="quiet"
              aria-label={`Remove reward ${at + 1}`}
              disabled={rewards.length === 1}
              className="mt-6.5"
              onClick={() => onChange(rewards.filter((_, i) => i !== at))}
            >
              <X aria-hidden />
            </Button>
            {rewards.length > 1 || normalize ? (
              <div className="col-span-3 sm:col-span-4">
                <Switch
                  label="Normalized"
                  help="By what images of the starting policy score: rewards of different scales then weigh alike."
                  checked={normalize}
                  onChange={(checked) => change(at, { normalize: checked })}
                />
              </div>
            ) : null}
          </li>
        ))}
      </ul>
      {problems['config.rewards'] ? (
        <p role="alert" className="mt-2 text-destructive text-sm">
          {problems['config.rewards']}
        </p>
      ) : null}
      <div className="mt-4 flex flex-wrap items-center gap-3">
        {unused ? (
          <Button onClick={() => onChange([...rewards, typedReward(unused.value)])}>
            <Plus aria-hidden /> Add a reward
          </Button>
        ) : null}
        <p className="text-muted-foreground text-sm">
          Beyond its hinge a reward pulls no more.{' '}
          {models.length === 0 ? 'None is learned from people yet. ' : ''}
          <Link href="/rewards" className="underline underline-offset-2">
            Rewards
          </Link>{' '}
          learns one from people.
        </p>
      </div>
    </Card>
  );
}
