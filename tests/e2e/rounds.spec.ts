import { expect } from 'playwright/test';
import { recordTrainSteps } from '@/db/rounds/metrics';
import { getRound, updateProgress } from '@/db/rounds/rounds';
import { claimWork } from '@/db/work/queue';
import { plainTerm } from '@/lib/rewards';
import { test } from './support/app';
import { expectAccessible } from './support/axe';
import { seedRound } from './support/seed';
import { seedFailedRound, seedFinishedRound } from './support/seed-history';

test('a researcher starts a run by the form, which explains and checks every setting', async ({
  app,
  browser,
}) => {
  await seedFinishedRound();
  const page = await app.signIn(browser, 'researcher', { name: 'Mara' });
  await page.goto('/rounds');
  await page.getByRole('link', { name: 'Start a run' }).click();
  await expect(page.getByText('What D3PO needs')).toBeVisible();
  await expectAccessible(page);

  await page.getByLabel('To draw from').fill('1 hand, red sleeve\n1 hand, dark skin');
  await page.getByLabel('Only to measure').fill('1 hand, red sleeve');
  await expect(page.getByText('1 evaluation prompt is also drawn for training')).toBeVisible();
  await page.getByLabel('Only to measure').fill('1 hand, blue background');
  await page
    .getByLabel('To draw from')
    .fill('1 hand, red sleeve\n1 hand, a photograph of one hand that holds an umbrella');
  await expect(
    page.getByText('1 of 2 prompts is longer than the 14 tokens that reach the model'),
  ).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel('To draw from').fill('1 hand, red sleeve\n1 hand, dark skin');
  await expect(page.getByText('longer than the 14 tokens')).toBeHidden();
  const files = page.locator('input[type=file]');
  const csv = Buffer.from('n,prompt\n1,"1 hand, red sleeve"\n2,1 hand\n3,\n');
  await files.first().setInputFiles({ name: 'more.csv', mimeType: 'text/csv', buffer: csv });
  await expect(
    page.getByText('1 prompt from more.csv; left out: 1 repeated, 1 empty'),
  ).toBeVisible();
  await files.nth(1).setInputFiles('tests/fixtures/exchange/images-zstd.parquet');
  await expect(page.getByText('4 prompts from images-zstd.parquet')).toBeVisible();
  await expect(page.getByLabel('Only to measure')).toHaveValue(/^1 hand, blue.*\na hand, no\. 0/);
  await files.nth(1).setInputFiles('package.json');
  await expect(page.getByText('Line 1 of package.json is no JSON object')).toBeVisible();
  await expectAccessible(page);

  await page.getByText('Training', { exact: true }).click();
  const rate = page.getByLabel('Learning rate');
  await rate.fill('fast');
  await page.getByRole('button', { name: 'Start the run' }).click();
  await expect(page.getByText('A run needs a name.')).toBeVisible();
  await expect(page.getByText('A number from 1e-9 to 1 is needed here.')).toBeVisible();
  await expect(page.getByText('2 fields need another value.')).toBeVisible();
  await rate.fill('0.001');
  await expect(page.getByText('1 changed')).toBeVisible();
  await page.getByLabel('Name').fill('Sleeves');
  await page.getByText('Sampling', { exact: true }).click();
  await page.getByLabel(/^Pairs per round/).fill('6');
  await expect(page.getByText('12 images: 6 pairs')).toBeVisible();
  await page.getByRole('button', { name: 'Start the run' }).click();

  await expect(page.getByRole('heading', { name: 'Sleeves, round 1' })).toBeVisible();
  await expect(page).toHaveURL(/\/rounds\/[\w-]+$/);
  const round = await getRound(new URL(page.url()).pathname.split('/').at(-1) ?? '');
  expect(round.config.training.learningRate).toBe(0.001);
  expect(round.config.prompts).toEqual(['1 hand, red sleeve', '1 hand, dark skin', '1 hand']);
  expect(round.progress.samplesWanted).toBe(12);
  await expect(page.getByText('started by Mara')).toBeVisible();
  await expect(page.getByRole('row', { name: /Learning rate/ })).toContainText('0.001');
});

test('one select moves a round from picks to a reward, and says what that needs', async ({
  app,
  browser,
}) => {
  await seedFinishedRound();
  const page = await app.signIn(browser, 'researcher');
  await page.goto('/rounds/new');
  await page.getByLabel('To draw from').fill('1 hand, red sleeve');
  await page.getByLabel('Only to measure').fill('1 hand, blue background');
  await page.getByLabel('Name').fill('Mirrored');
  await page.getByRole('combobox', { name: 'Method' }).click();
  await page.getByRole('option', { name: /^DRaFT\+/ }).click();
  await expect(page.getByText('What DRaFT+ needs')).toBeVisible();
  await expect(page.getByRole('combobox', { name: 'Mode' })).toHaveText('Single round');
  await page.getByRole('combobox', { name: 'Mode' }).click();
  await page.getByRole('option', { name: /^Online run/ }).click();
  // Said at its field, whose section has opened.
  await expect(page.getByText(/it would never stop\. Say how many rounds/)).toBeVisible();
  await expect(page.getByText('Labeling', { exact: true })).toBeHidden();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Start the run' }).click();
  // A formula of pixels is nobody's aim: which reward is for whoever starts the run to say.
  await expect(page.getByText('Choose what images are scored by.')).toBeVisible();
  await expect(page.getByText('2 fields need another value.')).toBeVisible();
  await page.reload();
  await expect(page.getByLabel('Name')).toHaveValue('Mirrored');
  await expect(page.getByRole('combobox', { name: 'Method' })).toHaveText('DRaFT+');
  await page.getByRole('combobox', { name: 'Reward' }).click();
  await page.getByRole('option', { name: /^Symmetry/ }).click();

  await page.getByRole('combobox', { name: 'Mode' }).click();
  await page.getByRole('option', { name: /^Single round/ }).click();
  await page.locator('summary', { hasText: 'DRaFT+' }).click();
  await page.getByLabel(/^Truncation K/).fill('2');
  await page.locator('summary', { hasText: 'How often the weights move' }).click();
  await page.getByLabel(/^Optimiser steps/).fill('3');
  await expect(page.getByText('3 steps by 1 reward')).toBeVisible();
  await page.getByRole('button', { name: 'Start the run' }).click();

  await expect(page.getByRole('heading', { name: 'Mirrored, round 1' })).toBeVisible();
  await expect(page.getByText(/DRaFT\+ from/)).toBeVisible();
  await expect(page.getByText('1 Trained')).toBeVisible();
  await expect(page.getByText(/Sampled$/)).toHaveCount(0);
  const round = await getRound(new URL(page.url()).pathname.split('/').at(-1) ?? '');
  expect(round.state).toBe('training');
  expect(round.config['draft-plus'].truncation).toBe(2);
  expect(round.config.rewards).toEqual([plainTerm('symmetry')]);
  expect(round.config.reward.optimiserSteps).toBe(3);
});

test('a round under way is shown live, and is paused, resumed and cancelled', async ({
  app,
  browser,
}) => {
  const roundId = await seedRound({ pairs: 4, stillSampling: true });
  const page = await app.signIn(browser, 'researcher');
  await page.goto(`/rounds/${roundId}`);
  await expect(page.getByText('No trainer has been heard of')).toBeVisible();
  const sampled = page.getByRole('progressbar', { name: 'Sampled' });
  await expect(sampled).toHaveAttribute('aria-valuetext', '8 of 8');

  // What the trainer writes arrives without a reload.
  await updateProgress(roundId, { labeled: 3, etaSeconds: 120 });
  const labeled = page.getByRole('progressbar', { name: 'Labeled' });
  await expect(labeled).toHaveAttribute('aria-valuetext', '3 of 4');
  await expect(page.getByText('about 2 min left')).toBeVisible();
  await updateProgress(roundId, { trainedSteps: 1, trainSteps: 4 });
  await expect(page.getByRole('heading', { name: 'How it learned' })).toBeVisible();
  await recordTrainSteps(roundId, [
    {
      step: 0,
      timestep: null,
      metrics: {
        loss: 0.4242,
        implicitAccuracy: 0.5,
        logRatioWinner: 0,
        logRatioLoser: 0,
        clipFraction: 0,
        kl: 0,
      },
    },
  ]);
  await expect(page.getByText('0.4242').first()).toBeVisible();

  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByText('Sampling, paused')).toBeVisible();
  expect((await getRound(roundId)).paused).toBe(true);
  expect(await claimWork({ workerId: 'w' })).toBeNull();
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByText('Sampling, paused')).toBeHidden();

  await page.getByRole('button', { name: 'Cancel round' }).click();
  await expect(page.getByRole('dialog')).toContainText('never trains on them');
  await page.getByRole('button', { name: 'Cancel the round' }).click();
  await expect(page.getByText('Cancelled', { exact: true })).toBeVisible();
  expect((await getRound(roundId)).state).toBe('cancelled');
});

test('a failed round says why and what to do, and is tried again', async ({ app, browser }) => {
  const roundId = await seedFailedRound('The disk is full. Free 200 MB, then try again.');
  const page = await app.signIn(browser, 'researcher');
  await page.goto(`/rounds/${roundId}`);
  await expect(page.getByRole('alert').filter({ hasText: 'The disk is full' })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText('Training', { exact: true }).first()).toBeVisible();
  await expect(page.getByRole('alert').filter({ hasText: 'The disk is full' })).toBeHidden();
  expect((await getRound(roundId)).state).toBe('training');
});

test('a finished round shows its data, curves, rates, and before and after on the same seeds', async ({
  app,
  browser,
}) => {
  const { roundId } = await seedFinishedRound();
  const page = await app.signIn(browser, 'reviewer');
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto(`/rounds/${roundId}`);

  await expect(page.getByText('4 training pairs from 8 answers of 2 people')).toBeVisible();
  await expect(page.getByRole('img', { name: 'Loss over steps' })).toBeVisible();
  await page.getByRole('button', { name: 'Per timestep' }).click();
  await page.getByRole('button', { name: 'As a table' }).click();
  await expect(page.getByRole('row', { name: /^901/ })).toBeVisible();
  // 4 won and 4 tied of 8; every rate with interval and count.
  await expect(page.getByText('75.0 %').first()).toBeVisible();
  await expect(page.getByText('4 won, 4 tied, 0 lost')).toBeVisible();
  await expect(page.getByText(/7\.1–59\.1 % · 2 of 8/)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Pause' })).toHaveCount(0);
  await expectAccessible(page);

  await page
    .getByRole('button', { name: /Compare hands and hands 1/ })
    .first()
    .click();
  const dialog = page.getByRole('dialog');
  const slider = dialog.getByRole('slider');
  await expect(slider).toHaveValue('50');
  await slider.press('ArrowRight');
  await expect(slider).toHaveValue('51');
  await dialog.getByRole('button', { name: 'Blink' }).click();
  const hold = dialog.getByRole('button', { name: 'Hold to see hands' });
  await hold.focus();
  await page.keyboard.down('Space');
  await expect(dialog.getByRole('status')).toHaveText('hands');
  await page.keyboard.up('Space');
  await expect(dialog.getByRole('status')).toHaveText('hands 1');
  await expectAccessible(page);
  expect(complaints).toEqual([]);
});

test('the pages of rounds fit a phone', async ({ app, browser }) => {
  const { roundId } = await seedFinishedRound();
  const page = await app.signIn(browser, 'researcher', {
    context: { viewport: { width: 390, height: 844 }, hasTouch: true },
  });
  for (const path of ['/', '/rounds', `/rounds/${roundId}`, '/rounds/new', '/policies']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    const overhang = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overhang, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
  }
});

test('home shows each role what to do next', async ({ app, browser }) => {
  await seedFinishedRound();
  await seedRound({ pairs: 3 });
  const annotator = await app.signIn(browser, 'annotator', { name: 'Aiko' });
  await annotator.goto('/');
  await expect(annotator.getByRole('heading', { name: 'Hello, Aiko' })).toBeVisible();
  await expect(annotator.getByRole('main').getByRole('link', { name: 'Label' })).toBeVisible();
  await expect(annotator.getByRole('main')).not.toContainText('Review');
  await expectAccessible(annotator);
  const admin = await app.signIn(browser, 'admin');
  await admin.goto('/');
  await expect(admin.getByRole('heading', { name: /round 1/ })).toBeVisible();
  await expect(admin.getByText('6 of 8').first()).toBeVisible();
  await expect(admin.getByRole('link', { name: 'Invite somebody' })).toBeVisible();
  await expectAccessible(admin);
});
