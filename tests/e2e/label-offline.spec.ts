import { expect } from 'playwright/test';

import { test } from './support/app';
import { allSent, desk, pressAndGoOn, shownLease } from './support/desk';
import { seedRound } from './support/seed';
import { storedPreferences } from './support/stored';

test('picks made without a connection survive a reload and arrive once', async ({
  app,
  browser,
}) => {
  const roundId = await seedRound({ pairs: 6 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await shownLease(page);
  await expect(page.locator('[data-pair-layer=ahead]')).toHaveCount(2);

  // The pages still load, the actions do not get through: as with a server that is restarting.
  await page.route('**/api/label/**', (route) => route.abort());
  await pressAndGoOn(page, 'ArrowLeft');
  await pressAndGoOn(page, 'ArrowRight');
  await expect(page.getByText('2 unsent')).toBeVisible();
  expect(storedPreferences(roundId)).toHaveLength(0);
  await page.reload();
  await expect(page.getByText('2 unsent')).toBeVisible();
  await expect(page.getByText('No pair could be fetched')).toBeVisible();

  await page.unroute('**/api/label/**');
  await allSent(page);
  const answered = storedPreferences(roundId);
  expect(answered.map(({ answer }) => answer)).toEqual(['left', 'right']);
  // The pairs answered offline are not offered again.
  for (let left = 4; left > 0; left--) await pressAndGoOn(page, 'ArrowLeft');
  await expect(page.getByText('You have judged every pair')).toBeVisible();
  await allSent(page);
  expect(storedPreferences(roundId)).toHaveLength(6);
});

test('a pick whose answer got lost on the way back counts once', async ({ app, browser }) => {
  const roundId = await seedRound({ pairs: 2 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await shownLease(page);
  let attempts = 0;
  await page.route('**/api/label/preference**', async (route) => {
    attempts += 1;
    const response = await route.fetch();
    // The server has stored it; the browser never learns.
    if (attempts === 1) await route.abort();
    else await route.fulfill({ response });
  });
  await pressAndGoOn(page, 'ArrowLeft');
  await allSent(page);
  expect(attempts).toBe(2);
  expect(storedPreferences(roundId)).toHaveLength(1);
});

test('labeling goes on when the server was restarted', async ({ app, browser }) => {
  const roundId = await seedRound({ pairs: 4 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await pressAndGoOn(page, 'ArrowLeft');
  await app.restart();
  for (let left = 3; left > 0; left--) await pressAndGoOn(page, 'ArrowLeft');
  await expect(desk(page)).toHaveAttribute('data-phase', 'waiting');
  await allSent(page);
  expect(storedPreferences(roundId)).toHaveLength(4);
});
