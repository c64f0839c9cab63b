import { expect } from 'playwright/test';
import { test } from './support/app';
import { expectAccessible, expectAccessibleInBoth } from './support/axe';
import { pressAndGoOn, shownLease } from './support/desk';
import { seedRound } from './support/seed';
import { storedPreferences } from './support/stored';

test('a new version is accepted before the next pair, and kept with the pick', async ({
  app,
  browser,
}) => {
  const roundId = await seedRound({ pairs: 4 });
  const annotator = await app.signIn(browser, 'annotator');
  await annotator.goto('/label');
  await pressAndGoOn(annotator, 'ArrowLeft');

  const researcher = await app.signIn(browser, 'researcher');
  await researcher.goto('/label');
  await researcher.getByRole('button', { name: 'Guidelines' }).click();
  await researcher.getByRole('link', { name: 'Write a new version' }).click();
  await researcher.getByLabel('Text').fill('# Thumbs\n\nCount the **thumb** too.');
  await expect(researcher.getByRole('heading', { name: 'Thumbs' })).toBeVisible();
  await expectAccessible(researcher);
  await researcher.getByRole('button', { name: 'Put version 2 in force' }).click();
  await expect(researcher.getByText('Version 2, in force')).toBeVisible();
  await researcher.close();

  await annotator.reload();
  await expect(annotator.getByRole('dialog')).toContainText('Count the thumb too.');
  // What is new to them is said before all that stands there.
  const dialog = annotator.getByRole('dialog');
  await expect(dialog.getByRole('heading', { name: 'New since version 1' })).toBeVisible();
  await expect(dialog.getByRole('insertion').filter({ hasText: 'Thumbs' })).toBeVisible();
  await expect(dialog.getByRole('deletion').filter({ hasText: 'Both bad' })).toBeVisible();
  await expectAccessibleInBoth(annotator);
  await annotator.getByRole('button', { name: 'I have read them' }).click();
  await shownLease(annotator);
  await pressAndGoOn(annotator, 'ArrowRight');
  await expect
    .poll(() => storedPreferences(roundId).map(({ guidelinesVersion }) => guidelinesVersion))
    .toEqual([1, 2]);
});
