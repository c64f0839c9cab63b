'use client';

import { TriangleAlert } from 'lucide-react';
import { type Method, methods, sourceOf, trainsBy } from '@/lib/methods';
import {
  imagesScored,
  preferencesWanted,
  samplesWanted,
  trainedTimesteps,
} from '@/lib/settings/run-config';
import type { StartRun } from '../../api/runs/schema';
import { countText, plural } from '../../components/figures/format';

/** What every method of graded images says of its steps. */
interface GradedSteps {
  optimiserSteps: number;
  groupsPerStep: number;
}

/** What a round of the run will do, in numbers, and what speaks against it. */
export function RunSummary({ request, alive }: { request: StartRun; alive: boolean }) {
  const warnings = warningsFor(request, alive);
  return (
    <div className="flex flex-col gap-4 text-sm">
      <dl className="flex flex-col gap-1">
        {stepsOf(request).map(([term, text]) => (
          <div key={term} className="grid grid-cols-[5.5rem_1fr] gap-2">
            <dt className="text-muted-foreground">{term}</dt>
            <dd className="tabular-nums">{text}</dd>
          </div>
        ))}
      </dl>
      {warnings.map((warning) => (
        <p key={warning} className="flex gap-2 rounded-md bg-muted p-3">
          <TriangleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-primary" />
          {warning}
        </p>
      ))}
    </div>
  );
}

/** What must be there before a method can run. */
export function MethodNeeds({ method }: { method: Method }) {
  const { label, needs } = methods[method];
  return (
    <div className="text-sm">
      <h3 className="font-medium">What {label} needs</h3>
      <ul className="mt-1 list-disc pl-4 text-muted-foreground">
        {needs.map((need) => (
          <li key={need}>{need}</li>
        ))}
      </ul>
    </div>
  );
}

function stepsOf({ method, config }: StartRun): [string, string][] {
  const { sampling, labeling, reward, rewards, evaluation } = config;
  const measures: [string, string] = [
    'Measures',
    `${plural(evaluation.images, 'image')} of each policy`,
  ];
  if (trainsBy(method, 'finished-pairs', 'finished-images')) {
    const { optimiserSteps, ...own } = config[method];
    const each =
      'pairsPerStep' in own ? plural(own.pairsPerStep, 'pair') : plural(own.imagesPerStep, 'image');
    return [
      ['Takes', 'All answers on images of this pipeline that stand now'],
      ['Trains', `${plural(optimiserSteps, 'step')} of ${each}`],
      measures,
    ];
  }
  if (sourceOf(method) === 'reward') {
    const scored = imagesScored(method, config);
    return [
      ['Trains', `${plural(reward.optimiserSteps, 'step')} by ${plural(rewards.length, 'reward')}`],
      ['Scores', `${plural(scored, 'image')}, drawn while it trains`],
      measures,
    ];
  }
  const items =
    sampling.pairSource === 'pairs'
      ? plural(sampling.pairsPerRound, 'pair')
      : plural(sampling.groupsPerRound, 'group');
  return [
    ['Draws', `${plural(samplesWanted(config), 'image')}: ${items}`],
    [
      'Asks for',
      `${plural(preferencesWanted(config), 'answer')}, ${plural(labeling.annotatorsPerPair, 'person', 'people')} a pair`,
    ],
    ['Trains', passesOf(method, config)],
    measures,
  ];
}

/** How often a method that asks people goes over what they said. */
function passesOf(method: Method, config: StartRun['config']): string {
  if (trainsBy(method, 'graded-images')) {
    const { optimiserSteps, groupsPerStep }: GradedSteps = config[method];
    const each = config.sampling.pairSource === 'pairs' ? 'pair' : 'group';
    return `${plural(optimiserSteps, 'step')} of ${plural(groupsPerStep, each)}`;
  }
  const [, timesteps] = trainedTimesteps(config);
  return `${plural(config.training.innerEpochs, 'pass', 'passes')} over what people preferred, ${countText(timesteps)} timesteps a pair`;
}

function warningsFor({ config }: StartRun, alive: boolean) {
  const { prompts, evaluationPrompts, evaluation, sampling } = config;
  const drawn = new Set(prompts);
  const shared = evaluationPrompts.filter((prompt) => drawn.has(prompt)).length;
  return [
    ...(shared > 0
      ? [
          `${plural(shared, 'evaluation prompt')} ${shared === 1 ? 'is' : 'are'} also drawn for training: the rates would flatter the new policy.`,
        ]
      : []),
    ...(evaluation.images < evaluationPrompts.length
      ? [
          `Only ${countText(evaluation.images)} of ${plural(evaluationPrompts.length, 'evaluation prompt')} will be measured, because there are fewer images than prompts.`,
        ]
      : []),
    ...(sampling.guidanceScale === 1
      ? ['A guidance scale of 1 lets the prompt steer little.']
      : []),
    ...(alive ? [] : ['No trainer is running at present. The run waits until one is.']),
  ];
}
