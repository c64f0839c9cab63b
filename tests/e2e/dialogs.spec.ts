import { expect, type Page } from 'playwright/test';
import { test } from './support/app';
import { expectAccessibleInBoth } from './support/axe';
import { shownLease } from './support/desk';
import { seedRound } from './support/seed';
import { seedFinishedRound } from './support/seed-history';

/** Opens a dialog with the button of this name, and closes it again. */
async function through(page: Page, button: string | RegExp): Promise<void> {
  await page.getByRole('button', { name: button }).first().click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await expectAccessibleInBoth(page);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
}

test('the dialogs of labeling are accessible in both themes', async ({ app, browser }) => {
  await seedRound({ pairs: 2 });
  const page = await app.signIn(browser, 'annotator', { withoutConsent: true });
  await page.goto('/label');
  await expect(page.getByRole('dialog')).toBeVisible();
  await expectAccessibleInBoth(page);
  await page.getByRole('button', { name: 'I have read them' }).click();
  await shownLease(page);
  await expectAccessibleInBoth(page);
  for (const name of ['Guidelines', 'Keys', 'Look closer']) await through(page, name);
});

test('the dialogs of everybody else are accessible in both themes', async ({ app, browser }) => {
  // Each dialog is looked through twice.
  test.slow();
  const { roundId, base } = await seedFinishedRound();
  const page = await app.signIn(browser, 'admin');
  const dialogs: [path: string, buttons: (string | RegExp)[]][] = [
    ['/policies', ['Serve hands', /^hands 1: .* seed 1000$/]],
    [`/rounds/${roundId}`, [/^Compare /]],
    [`/review/images?policy=${base.id}`, [/seed 1000$/]],
    ['/review/annotators', ['Hold back Ann']],
    ['/people', ['Invite']],
  ];
  for (const [path, buttons] of dialogs) {
    await page.goto(path);
    for (const button of buttons) await through(page, button);
  }
  await page.getByRole('button', { name: 'Invite' }).click();
  await page.getByRole('button', { name: 'Make the link' }).click();
  await expect(page.getByLabel('One-time link')).toBeVisible();
  await expectAccessibleInBoth(page);
});
