import { expect } from 'playwright/test';
import { test } from './support/app';
import { expectAccessible } from './support/axe';
import { allSent, pressAndGoOn } from './support/desk';
import { seedFinishedRound } from './support/seed-history';

test('people are asked which of two versions is better, blind, and the versions are rated', async ({
  app,
  browser,
}) => {
  await seedFinishedRound({ drawing: '20 0 5' });
  const page = await app.signIn(browser, 'researcher', { name: 'Mara' });
  await page.goto('/policies');
  const button = page.getByRole('button', { name: 'Ask people' });
  await button.click();
  const form = page.getByRole('dialog', { name: 'Which version is better?' });
  await expect(form).toContainText('An answer about hands 1 and hands would tell most now.');
  await form.getByLabel('Pairs').fill('6');
  await expect(form.getByRole('switch', { name: 'Stop when one' })).toBeChecked();
  await expectAccessible(page);
  await form.getByRole('button', { name: 'Ask', exact: true }).click();
  await expect(page.getByText('0 of 6 pairs answered')).toBeVisible();

  // The round is over; only these pairs are left to judge.
  const ann = await app.signIn(browser, 'annotator', { name: 'Ann' });
  await ann.goto('/label');
  for (let answered = 0; answered < 4; answered++) await pressAndGoOn(ann, 'ArrowLeft');
  await allSent(ann);
  expect(await ann.content()).not.toContain('hands 1');

  await page.reload();
  await expect(page.getByText('4 of 6 pairs answered')).toBeVisible();
  const rated = page.getByRole('region', { name: 'What people prefer' }).getByRole('row');
  await expect(rated).toHaveCount(3);
  await expect(rated.nth(1)).toContainText('1–2');
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Stop asking about' }).click();
  await expect(page.getByText('People are asked:')).toHaveCount(0);
  // What was in her hand counts no more, and there is nothing else.
  for (let left = 0; left < 2; left++) await pressAndGoOn(ann, 'ArrowRight');
  await expect(ann.getByText('No round is running')).toBeVisible();

  // All that is left of what both drew may still be asked, and no more.
  await button.click();
  await form.getByLabel('Pairs').fill('200');
  await form.getByRole('button', { name: 'Ask', exact: true }).click();
  await expect(page.getByText('4 of 8 pairs answered')).toBeVisible();

  // A reviewer sees the board and asks nobody.
  const reviewer = await app.signIn(browser, 'reviewer');
  await reviewer.goto('/policies');
  await expect(reviewer.getByText('4 of 8 pairs answered')).toBeVisible();
  await expect(reviewer.getByRole('button', { name: /Ask people|Stop asking/ })).toHaveCount(0);
});
