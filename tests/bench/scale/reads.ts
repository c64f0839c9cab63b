/** @file Every page and every route that reads, as the functions behind them. */
import { loadImport } from '@/app/reads/imports/load-import';
import { loadImportItems } from '@/app/reads/imports/load-import-items';
import { loadImports } from '@/app/reads/imports/load-imports';
import { loadGrid } from '@/app/reads/policies/load-grid';
import { loadPolicies } from '@/app/reads/policies/load-policies';
import { loadPolicy } from '@/app/reads/policies/load-policy';
import { loadAnnotators } from '@/app/reads/review/load-annotators';
import { loadFlags } from '@/app/reads/review/load-flags';
import { loadImages } from '@/app/reads/review/load-images';
import { loadFirstAndNewest, loadRates } from '@/app/reads/review/load-rates';
import { loadRewardModels } from '@/app/reads/reward-models/load-reward-models';
import { loadRound } from '@/app/reads/rounds/load-round';
import { loadRounds } from '@/app/reads/rounds/load-rounds';
import { loadSteps } from '@/app/reads/rounds/load-steps';
import { pipelineChoices } from '@/app/rounds/new/pipelines';
import { exportPreferences } from '@/db/exchange/exports';
import { flagCounts } from '@/db/figures/flag-counts';
import { labelProgress } from '@/db/labeling/progress';
import { openInvitations } from '@/db/people/invitations';
import { countPeople, peoplePage } from '@/db/people/list';
import type { Grown } from '../../support/growth/grow';

export interface Read {
  name: string;
  read: () => Promise<unknown>;
}

export function readsOf({ people, lineages, labelingRoundId, importIds }: Grown): Read[] {
  const [{ roundIds, policyIds, baseId }] = lineages as [Grown['lineages'][number]];
  const middle = <T>(items: readonly T[]) => items[items.length >> 1]!;
  const any = { kind: 'any', source: 'any' } as const;
  return [
    {
      name: 'Home',
      read: () =>
        Promise.all([
          loadRounds({ limit: 1 }),
          loadFirstAndNewest(),
          flagCounts(),
          labelProgress(people[3]!.id, { dayStartMs: 0 }),
          countPeople(),
          openInvitations(),
        ]),
    },
    { name: 'Rounds', read: () => Promise.all([loadRounds(), loadImports()]) },
    { name: 'a round, done', read: () => loadRound(middle(roundIds)) },
    { name: 'a round, labeling', read: () => loadRound(labelingRoundId) },
    { name: 'a round’s steps', read: () => loadSteps(middle(roundIds)) },
    {
      name: 'an import',
      read: () => Promise.all([loadImport(middle(importIds)), loadImportItems(middle(importIds))]),
    },
    { name: 'a new run', read: () => pipelineChoices() },
    { name: 'Policies', read: () => loadPolicies() },
    { name: 'Policies, grid', read: () => loadGrid({ pipeline: 'hands', offset: 0 }) },
    { name: 'a policy', read: () => loadPolicy(middle(policyIds)) },
    { name: 'the base policy', read: () => loadPolicy(baseId) },
    { name: 'Review, evaluation', read: () => loadRates({ purpose: 'evaluation' }) },
    { name: 'Review, all images', read: () => loadRates({ purpose: 'any' }) },
    { name: 'Review, flags', read: () => loadFlags({ state: 'open', ...any }) },
    {
      name: 'Review, images',
      read: () => loadImages({ policy: middle(policyIds), purpose: 'any', ...any }),
    },
    {
      name: 'Review, flagged images',
      read: () =>
        loadImages({ policy: middle(policyIds), purpose: 'any', kind: 'hand', source: 'judge' }),
    },
    { name: 'Review, annotators', read: () => loadAnnotators() },
    { name: 'Rewards', read: () => loadRewardModels() },
    {
      name: 'People',
      read: () =>
        Promise.all([peoplePage({ withImported: false }), countPeople(), openInvitations()]),
    },
    { name: 'export of a round', read: () => exported(middle(roundIds)) },
    { name: 'export of everything', read: () => exported() },
  ];
}

/** The count alone: what is written goes to a file, row by row. */
async function exported(roundId?: string): Promise<number> {
  let rows = 0;
  for await (const _ of exportPreferences({ roundId })) rows++;
  return rows;
}
