import { expect } from 'playwright/test';
import { newId } from '@/db/ids';
import { submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';

import { getRound } from '@/db/rounds/rounds';
import { type Claim, claimWork, failWork } from '@/db/work/queue';
import { finishRewardModel } from '@/db/work/results';
import { registerWorker } from '@/db/work/workers';
import type { RewardReport } from '@/lib/rewards';
import { rewardWorkKinds } from '@/lib/work';
import { createUser } from '../support/people';
import { test } from './support/app';
import { expectAccessible } from './support/axe';
import { seedRound } from './support/seed';

const report: RewardReport = {
  examples: 24,
  annotators: 1,
  ties: 4,
  until: 0,
  heldOut: { count: 15, n: 20 },
  ceiling: { count: 0, n: 0 },
  calibration: [
    { predicted: 0.55, observed: { count: 5, n: 10 } },
    { predicted: 0.8, observed: { count: 9, n: 10 } },
  ],
  warnings: ['Learned from 20 decided answers, fewer than 200: expect it to be wrong.'],
};

/** One person picks a side of every pair. */
async function pickAll(): Promise<void> {
  await createUser({ id: 'picker', name: 'Picker', email: 'p@example.org', role: 'annotator' });
  for (;;) {
    const leased = await leasePairs({ annotatorId: 'picker', count: 1 });
    if (leased.state !== 'pairs') return;
    await submitPreference({
      id: newId(),
      leaseId: leased.pairs[0]!.leaseId,
      annotatorId: 'picker',
      answer: 'left',
      shownAtMs: 1,
      decidedAtMs: 2,
      guidelinesVersion: null,
    });
  }
}

/** A trainer takes up what was asked for. */
async function claim(): Promise<{ modelId: string; claim: Claim }> {
  const workerId = newId();
  await registerWorker({ id: workerId, pid: 1, host: 'elsewhere', device: 'cpu' });
  const claimed = await claimWork({ workerId, kinds: rewardWorkKinds });
  return { modelId: claimed!.rewardModel.id, claim: { workId: claimed!.work.id, workerId } };
}

test('a reward is learned from picks, shown with how far to trust it, and followed by a run', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 24, undoWindowSeconds: 0 });
  const page = await app.signIn(browser, 'researcher', { name: 'Mara' });
  await page.goto('/rewards');
  await expect(page.getByText('There are 0 answers that prefer a side')).toBeVisible();
  const learn = page.getByRole('button', { name: 'Learn from picks' });
  await expect(learn).toBeDisabled();

  await pickAll();
  await page.reload();
  await expect(page.getByText('24 decided')).toBeVisible();
  await learn.click();
  const row = page.getByRole('row', { name: /Picks 1/ });
  await expect(row).toContainText('Waits for a trainer');
  const claimed = await claim();
  await expect(row).toContainText('In the making');
  await finishRewardModel({ ...claimed.claim, made: { blob: 'abc', report } });
  // What the trainer writes arrives without a reload.
  await expect(page.getByRole('heading', { name: 'How far to trust Picks 1' })).toBeVisible();
  await expect(row).toContainText('75.0 %');
  await expect(row).toContainText('15 of 20');
  await expect(page.getByText('expect it to be wrong')).toBeVisible();
  await expect(
    page.getByRole('img', { name: 'predicted 55 %, came 5 of 10; predicted 80 %, came 9 of 10' }),
  ).toBeVisible();
  await expectAccessible(page);

  await page.goto('/rounds/new');
  await page.getByLabel('To draw from').fill('1 hand, red sleeve');
  await page.getByLabel('Only to measure').fill('1 hand, blue background');
  await page.getByLabel('Name').fill('By what people like');
  await page.getByRole('combobox', { name: 'Method' }).click();
  await page.getByRole('option', { name: /^DRaFT\+/ }).click();
  await expect(page.getByRole('combobox', { name: 'Reward' })).toHaveText('Picks 1');
  await page.getByRole('button', { name: 'Add a reward' }).click();
  await page.getByLabel('Weight').nth(1).fill('0');
  await page.getByRole('button', { name: 'Start the run' }).click();
  await expect(page.getByText('A reward of weight 0 says nothing; remove it.')).toBeVisible();
  await page.getByLabel('Weight').nth(1).fill('0.5');
  await page.getByLabel('Hinge').nth(1).fill('-0.01');
  await page
    .getByRole('switch', { name: /^Normalized/ })
    .first()
    .click();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Start the run' }).click();
  await expect(page.getByRole('heading', { name: 'By what people like, round 1' })).toBeVisible();
  const round = await getRound(new URL(page.url()).pathname.split('/').at(-1) ?? '');
  expect(round.config.rewards).toEqual([
    { model: claimed.modelId, weight: 1, hinge: null, normalize: true },
    { model: 'symmetry', weight: 0.5, hinge: -0.01, normalize: false },
  ]);
});

test('a folder is imported, or refused by name; a reviewer only looks', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 2 });
  const page = await app.signIn(browser, 'researcher');
  await page.goto('/rewards');
  const bring = async (folder: string) => {
    await page.getByLabel('Folder').fill(folder);
    await page.getByRole('button', { name: 'Import' }).click();
    await expect(page.getByLabel('Folder')).toHaveValue('');
  };
  await bring('/models/broken');
  await failWork({ ...(await claim()).claim, error: 'reward.json is missing. Write one.' });
  await expect(page.getByRole('row', { name: /Imported 1/ })).toContainText('Write one.');
  await bring('/models/taste');
  const imported = {
    name: 'taste (plain 1, abcdef01)',
    mean: 21.5,
    spread: 0.75,
    warnings: ['It gives 21.5 on average.'],
  };
  await finishRewardModel({ ...(await claim()).claim, made: { imported } });
  const row = page.getByRole('row', { name: /Imported 2/ });
  await expect(row).toContainText('taste (plain 1, abcdef01)');
  await expect(row).toContainText('21.5 ± 0.75');

  await bring('/models/endless');
  const third = page.getByRole('row', { name: /Imported 3/ });
  await expect(third).toContainText('Waits for a trainer');
  const claimed = await claim();
  await expect(third).toContainText('In the making');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Cancel Imported 3' }).click();
  await expect(third).toContainText('Cancelled');
  await expect(finishRewardModel({ ...claimed.claim, made: { imported } })).rejects.toThrow(
    /no longer/,
  );

  const reviewer = await app.signIn(browser, 'reviewer');
  await reviewer.goto('/rewards');
  await expect(reviewer.getByRole('row', { name: /Imported 2/ })).toBeVisible();
  await expect(reviewer.getByRole('button', { name: /Learn|Import/ })).toHaveCount(0);
});
