import { expect } from 'playwright/test';
import { findUser } from '@/db/people/users';
import { listSamples } from '@/db/rounds/samples';
import { setFlag } from '../support/flags';
import { test } from './support/app';
import { expectAccessible } from './support/axe';
import { seedRound } from './support/seed';
import { judgeAll, seedFinishedRound } from './support/seed-history';

test('a rate leads to its images; rejecting a flag there lowers it', async ({ app, browser }) => {
  await seedFinishedRound();
  const page = await app.signIn(browser, 'reviewer');
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto('/review');
  const base = page.getByRole('row', { name: /^hands / }).first();
  await expect(base).toContainText('75.0 %');
  await expect(base).toContainText('40.9–92.9 % · 6 of 8');
  await expect(
    page.getByRole('link', { name: 'hands 1, Deformed hands: 25.0 %, 7.1–59.1 %, 2 of 8' }),
  ).toBeVisible();
  await expectAccessible(page);

  await page.getByRole('link', { name: 'Images of hands: Deformed hands' }).click();
  await expect(page.getByText('6 images')).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: /seed 1000$/ }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('6 fingers');
  await dialog.getByRole('button', { name: 'Reject' }).first().click();
  await expect(page.getByText('5 images')).toBeVisible();
  await page.goto('/review');
  await expect(page.getByText(/· 5 of 8/)).toBeVisible();
  expect(complaints).toEqual([]);
});

test('flags are confirmed and rejected by keyboard, and taken back', async ({ app, browser }) => {
  const { base, annotatorIds } = await seedFinishedRound();
  const [drawn] = await listSamples({ policyId: base.id, purpose: 'training', limit: 1 });
  await setFlag({
    sampleId: drawn?.id ?? '',
    kind: 'artifact',
    annotatorId: annotatorIds[0] ?? '',
  });
  const page = await app.signIn(browser, 'reviewer');
  await page.goto('/review/flags');
  const strip = page.getByRole('list', { name: 'Flags in this batch' });
  await expect(strip.getByRole('listitem')).toHaveCount(11);
  await expect(page.getByRole('heading', { name: 'Artifact?' })).toBeVisible();
  await expect(page.getByText('Ann', { exact: true })).toBeVisible();
  await expectAccessible(page);

  // The strip asks for thumbnails, never for the images themselves.
  const small = strip.getByRole('img').first();
  await expect(small).toHaveAttribute('src', /\/thumbnail$/);
  expect(await small.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  const left = page.getByRole('combobox', { name: 'State' });
  await expect(left).toContainText('To be checked (11)');
  await page.keyboard.press('c');
  await expect(strip.getByRole('button', { name: 'Flag 1: Artifact, confirmed' })).toBeVisible();
  await expect(left).toContainText('To be checked (10)');
  await page.keyboard.press('r');
  await expect(strip.getByRole('button', { name: /^Flag 2: \w+, rejected/ })).toBeVisible();
  await expect(left).toContainText('To be checked (9)');
  await page.keyboard.press('z');
  await expect(left).toContainText('To be checked (10)');
  await expect(strip.getByRole('button', { name: /^Flag 2: \w+, open/ })).toBeVisible();
  await page.getByRole('button', { name: /^Confirm/ }).click();
  await expect(strip.getByRole('button', { name: /^Flag 2: \w+, confirmed/ })).toBeVisible();

  await page.goto('/review/flags?state=confirmed');
  await expect(strip.getByRole('listitem')).toHaveCount(2);
});

test('annotators are shown with agreement, speed and side bias, and can be held back', async ({
  app,
  browser,
}) => {
  const { annotatorIds, roundId } = await seedFinishedRound();
  const page = await app.signIn(browser, 'reviewer');
  await page.goto('/review/annotators');
  const ann = page.getByRole('row', { name: /^Ann/ });
  // Both judged all four pairs alike, in 1.5 s each.
  await expect(ann).toContainText('51.0–100.0 % · 4 of 4');
  await expect(ann).toContainText('1.5–1.5 s · of 4');
  await expect(page.getByText('Left among all picks').locator('..')).toContainText('of 8');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Hold back Ann' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Hold back' }).click();
  await expect(ann).toContainText('Held back');
  expect((await findUser(annotatorIds[0] ?? ''))?.pausedAt).not.toBeNull();
  await page.goto(`/rounds/${roundId}`);
  await expect(page.getByText('Paused now: 4 answers by Ann.')).toBeVisible();
  await page.goto('/review/annotators');
  await page.getByRole('button', { name: 'Let Ann count' }).click();
  await expect(ann).not.toContainText('Held back');
});

test('who decides faster than one can look is doubted', async ({ app, browser }) => {
  await seedRound({ pairs: 8, annotatorsPerPair: 2 });
  await judgeAll(['Flo'], 300);
  await judgeAll(['Sue'], 1200);
  const page = await app.signIn(browser, 'reviewer');
  await page.goto('/review/annotators');
  await expect(page.getByRole('row', { name: /^Flo/ })).toContainText('Too fast to have looked');
  await expect(page.getByRole('row', { name: /^Sue/ })).not.toContainText('Too fast');
});

test('the review pages fit a phone', async ({ app, browser }) => {
  await seedFinishedRound();
  const page = await app.signIn(browser, 'reviewer', {
    context: { viewport: { width: 390, height: 844 }, hasTouch: true },
  });
  for (const path of ['/review', '/review/flags', '/review/annotators']) {
    await page.goto(path);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    const overhang = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overhang, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
  }
});
