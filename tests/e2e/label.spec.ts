import { expect } from 'playwright/test';

import { test } from './support/app';
import { expectAccessible } from './support/axe';
import { allSent, desk, pressAndGoOn, screens, shownLease } from './support/desk';
import { invite, seedRound } from './support/seed';
import { storedPreferences } from './support/stored';

test('one click from the printed link to the first pair', async ({ app, page }) => {
  await seedRound({ pairs: 3 });
  await page.goto(app.url + (await invite('admin', { atStart: true })));
  await page.getByRole('button', { name: 'Start labeling' }).click();
  await shownLease(page);
  await expect(page.getByRole('link', { name: 'People' })).toBeVisible();
  // Used up: the same link signs in nobody else.
  await page.context().clearCookies();
  await page.goBack();
  await page.reload();
  await expect(page.getByText('has been used already')).toBeVisible();
});

test('guidelines come first, and are remembered', async ({ app, browser }) => {
  await seedRound({ pairs: 3 });
  const page = await app.signIn(browser, 'annotator', { withoutConsent: true });
  await page.goto('/label');
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('Count the fingers');
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'I have read them' }).click();
  await shownLease(page);
  await page.reload();
  await shownLease(page);
  await expect(dialog).toBeHidden();
});

test('a round is labeled by keyboard alone, and every answer is stored once', async ({
  app,
  browser,
}) => {
  const roundId = await seedRound({ pairs: 5 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  for (const key of ['ArrowLeft', 'Digit2', 'ArrowUp', 'ArrowDown']) await pressAndGoOn(page, key);
  await pressAndGoOn(page, 's');
  await expect(page.getByText('You have judged every pair of this round')).toBeVisible();
  await allSent(page);
  const stored = storedPreferences(roundId);
  expect(stored.map(({ answer }) => answer).sort()).toEqual(['both-bad', 'left', 'right', 'tie']);
  for (const { decisionMs, guidelinesVersion } of stored) {
    expect(decisionMs).toBeGreaterThan(0);
    expect(guidelinesVersion).toBe(1);
  }
  await expectAccessible(page);
});

test('undo brings the same pair back with the same sides, and the second answer counts', async ({
  app,
  browser,
}) => {
  const roundId = await seedRound({ pairs: 3 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  const first = await shownLease(page);
  const images = () =>
    page
      .locator('[data-pair-layer=shown] img')
      .evaluateAll((all) => all.map((image) => image.getAttribute('src')));
  const before = await images();
  await pressAndGoOn(page, 'ArrowLeft');
  await pressAndGoOn(page, 'ArrowLeft');
  await page.keyboard.press('z');
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(desk(page)).toHaveAttribute('data-lease', first);
  expect(await images()).toEqual(before);
  await pressAndGoOn(page, 'ArrowRight');
  await pressAndGoOn(page, 'ArrowRight');
  await pressAndGoOn(page, 'ArrowRight');
  await allSent(page);
  const standing = storedPreferences(roundId).filter((row) => row.supersededAt === null);
  expect(standing.map(({ answer }) => answer)).toEqual(['right', 'right', 'right']);
});

test('flags are set by key and by click, and come back with the pair', async ({ app, browser }) => {
  await seedRound({ pairs: 2 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await shownLease(page);
  const left = page.getByRole('group', { name: 'Defects of the left image' });
  const right = page.getByRole('group', { name: 'Defects of the right image' });
  await page.keyboard.press('q');
  await right.getByRole('button', { name: 'Artifact' }).click();
  await expect(left.getByRole('button', { name: 'Hand' })).toHaveAttribute('aria-pressed', 'true');
  await expect(right.getByRole('button', { pressed: true })).toHaveText(/Artifact/);
  await allSent(page);
  await page.reload();
  await shownLease(page);
  await expect(left.getByRole('button', { pressed: true })).toHaveText(/Hand/);
  await page.keyboard.press('q');
  await expect(left.getByRole('button', { pressed: true })).toHaveCount(0);
});

test('the next pair needs nothing from the network, and how long it takes is measured', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 6 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await shownLease(page);
  await expect(page.locator('[data-pair-layer=ahead]')).toHaveCount(2);
  await page.context().setOffline(true);
  for (const key of ['ArrowLeft', 'ArrowRight']) {
    await pressAndGoOn(page, key);
    const complete = await page
      .locator('[data-pair-layer=shown] img')
      .evaluateAll((images) => images.map((image) => (image as HTMLImageElement).complete));
    expect(complete).toEqual([true, true]);
  }
  await page.context().setOffline(false);
  await allSent(page);
  const measured = await page.evaluate(() =>
    performance.getEntriesByName('darkroom:turnaround').map(({ duration }) => duration),
  );
  expect(measured).toHaveLength(2);
  await expect(desk(page)).toHaveAttribute('data-turnaround-ms', /^[\d.]+$/);
  test.info().annotations.push({ type: 'turnaround, ms', description: measured.join(', ') });
});

test('what was done before a reload can be taken back after it, with Ctrl+Z too', async ({
  app,
  browser,
}) => {
  const roundId = await seedRound({ pairs: 4 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  const first = await shownLease(page);
  await pressAndGoOn(page, 'ArrowLeft');
  const second = await shownLease(page);
  await pressAndGoOn(page, 's');
  await allSent(page);
  await page.reload();
  await shownLease(page);
  await page.keyboard.press('Control+z');
  await expect(desk(page)).toHaveAttribute('data-lease', second);
  await page.keyboard.press('z');
  await expect(desk(page)).toHaveAttribute('data-lease', first);
  await pressAndGoOn(page, 'ArrowRight');
  await allSent(page);
  const standing = storedPreferences(roundId).filter((row) => row.supersededAt === null);
  expect(standing.map(({ answer }) => answer)).toEqual(['right']);
});

test('ten presses in a row are stored, or said not to have been', async ({ app, browser }) => {
  const roundId = await seedRound({ pairs: 60 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await shownLease(page);
  await expect(page.locator('[data-pair-layer=ahead]')).toHaveCount(7);
  for (let press = 0; press < 10; press++) await page.keyboard.press('ArrowLeft');
  await allSent(page);
  const missed = page.locator('[data-missed]');
  const said = (await missed.count()) > 0 ? Number(await missed.getAttribute('data-missed')) : 0;
  expect(storedPreferences(roundId).length + said).toBe(10);
  // How many a slow machine paints in time is no matter of this test.
  expect(storedPreferences(roundId).length).toBeGreaterThan(0);
});

test('images keep their size in every window, and all answers are on screen', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 3 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  for (const viewport of screens) {
    const named = `at ${viewport.width}x${viewport.height}`;
    await page.setViewportSize(viewport);
    await shownLease(page);
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(sideways, named).toBeLessThanOrEqual(0);
    const image = await page.locator('[data-pair-layer=shown] img').first().boundingBox();
    expect(image?.width, named).toBeGreaterThanOrEqual(144);
    for (const name of ['Left', 'Right', 'Tie', 'Both bad', 'Skip', 'Undo']) {
      const button = page.getByRole('button', { name, exact: true });
      await button.scrollIntoViewIfNeeded();
      const box = await button.boundingBox();
      expect((box?.y ?? 0) + (box?.height ?? 0), `${name} ${named}`).toBeLessThanOrEqual(
        viewport.height,
      );
    }
    if (viewport.height >= 720) {
      const isScrolled = await page.evaluate(() => window.scrollY > 0);
      expect(isScrolled, named).toBe(false);
    }
  }
});

test('two people never get one pair that wants one answer', async ({ app, browser }) => {
  const roundId = await seedRound({ pairs: 6, leaseSeconds: 20 });
  const ada = await app.signIn(browser, 'annotator', { name: 'Ada' });
  const bob = await app.signIn(browser, 'annotator', { name: 'Bob' });
  await Promise.all([ada.goto('/label'), bob.goto('/label')]);
  const shown = new Set([await shownLease(ada), await shownLease(bob)]);
  expect(shown.size).toBe(2);
  await Promise.all([pressAndGoOn(ada, 'ArrowLeft'), pressAndGoOn(bob, 'ArrowRight')]);
  await ada.keyboard.press('ArrowLeft');
  await bob.keyboard.press('ArrowRight');
  // Ada leaves: what she held goes to Bob.
  await allSent(ada);
  await ada.close();
  await expect(async () => {
    if ((await desk(bob).getAttribute('data-phase')) === 'ready') await bob.keyboard.press('2');
    await expect(bob.getByText('You have judged every pair')).toBeVisible({ timeout: 1_000 });
  }).toPass();
  // The desk says so as soon as nothing is left to judge, while his last pick may be on its way.
  await allSent(bob);
  const stored = storedPreferences(roundId);
  expect(stored).toHaveLength(6);
  expect(new Set(stored.map(({ pairId }) => pairId)).size).toBe(6);
});

test('each reason for an empty desk has its own words', async ({ app, browser }) => {
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await expect(page.getByText('No round is running')).toBeVisible();
  await seedRound({ pairs: 0, stillSampling: true });
  await expect(page.getByText('The model is drawing the first pairs')).toBeVisible();
  await expectAccessible(page);
});

test('everything can be reached on a phone', async ({ app, browser }) => {
  await seedRound({ pairs: 3 });
  const page = await app.signIn(browser, 'annotator', {
    context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  });
  await page.goto('/label');
  const before = await shownLease(page);
  const sideways = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(sideways).toBe(0);
  for (const name of ['Left', 'Right', 'Tie', 'Both bad', 'Skip', 'Undo']) {
    const box = await page.getByRole('button', { name, exact: true }).boundingBox();
    expect(box?.height, name).toBeGreaterThanOrEqual(40);
    expect((box?.y ?? 0) + (box?.height ?? 0), name).toBeLessThanOrEqual(844);
  }
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Pick the right image' }).tap();
  await expect(desk(page)).not.toHaveAttribute('data-lease', before);
  await expect(page.getByRole('list', { name: 'Your last decisions' })).toContainText('Right');
});
