import { expect } from 'playwright/test';
import { test } from './support/app';
import { allSent, desk, pressAndGoOn, shownLease } from './support/desk';
import { seedRound } from './support/seed';
import { storedPreferences } from './support/stored';

test('picks count where the browser has no room left to store them', async ({ app, browser }) => {
  const roundId = await seedRound({ pairs: 4 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/account');
  // Really full: ever smaller texts until not one letter more is taken.
  await page.evaluate(() => {
    for (let size = 2 ** 22; size >= 1; size /= 2) {
      for (;;) {
        try {
          const key = `filler-${localStorage.length}`;
          localStorage.setItem(key, 'x'.repeat(Math.max(0, size - key.length)));
        } catch {
          break;
        }
      }
    }
  });
  await page.goto('/label');
  await shownLease(page);
  await page.route('**/api/label/preference**', (route) => route.abort());
  await pressAndGoOn(page, 'ArrowLeft');
  await expect(page.getByText('This browser does not store picks')).toBeVisible();
  await expect(page.getByText('1 unsent, keep this page open')).toBeVisible();
  await page.unroute('**/api/label/preference**');
  await allSent(page);
  await pressAndGoOn(page, 'ArrowRight');
  await allSent(page);
  expect(storedPreferences(roundId).map(({ answer }) => answer)).toEqual(['left', 'right']);
});

test('picks and keys work where the browser refuses storage altogether, and it is said', async ({
  app,
  browser,
}) => {
  const roundId = await seedRound({ pairs: 4 });
  const page = await app.signIn(browser, 'annotator');
  const failures: string[] = [];
  page.on('pageerror', (error) => failures.push(error.message));
  await page.addInitScript(() => {
    // What a browser does whose owner blocks site data.
    Object.defineProperty(window, 'localStorage', {
      get: () => {
        throw new DOMException('Access is denied for this document.', 'SecurityError');
      },
    });
  });
  await page.goto('/label');
  await pressAndGoOn(page, 'ArrowLeft');
  await expect(page.getByText('This browser does not store picks')).toBeVisible();
  const lease = await shownLease(page);
  await page.getByRole('button', { name: 'Keys' }).click();
  await page.getByRole('button', { name: 'Change the key for: Tie' }).click();
  await page.keyboard.press('m');
  await expect(page.getByText('This browser refuses to remember them')).toBeVisible();
  await page.keyboard.press('Escape');
  await pressAndGoOn(page, 'm');
  await expect(desk(page)).not.toHaveAttribute('data-lease', lease);
  await allSent(page);
  expect(storedPreferences(roundId).map(({ answer }) => answer)).toEqual(['left', 'tie']);
  expect(failures).toEqual([]);

  // With a pick that lies in this page alone the browser asks before the page goes.
  await page.route('**/api/label/preference**', (route) => route.abort());
  await pressAndGoOn(page, 'ArrowLeft');
  const asked = new Promise<string>((resume) => {
    page.once('dialog', (dialog) => {
      resume(dialog.type());
      void dialog.dismiss();
    });
  });
  await page.close({ runBeforeUnload: true });
  expect(await asked).toBe('beforeunload');
});
