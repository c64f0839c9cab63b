import { expect, type Page } from 'playwright/test';
import { test } from './support/app';
import { allSent, desk, pressAndGoOn, shownLease } from './support/desk';
import { seedRound } from './support/seed';
import { storedPreferences } from './support/stored';

/** A finger put down on the film, moved by so many px and lifted. */
async function swipe(page: Page, across: number, down: number): Promise<void> {
  const box = await page.locator('[data-pair-layer=shown]').boundingBox();
  if (!box) throw new Error('no pair is on screen');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const session = await page.context().newCDPSession(page);
  const touch = (type: 'touchStart' | 'touchMove', part: number) =>
    session.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: [{ x: x + part * across, y: y + part * down }],
    });
  await touch('touchStart', 0);
  for (const part of [0.25, 0.5, 0.75, 1]) await touch('touchMove', part);
  await session.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await session.detach();
}

test('a pair is judged by swiping towards the better image, and by tapping it', async ({
  app,
  browser,
}) => {
  const roundId = await seedRound({ pairs: 6 });
  const page = await app.signIn(browser, 'annotator', {
    context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  });
  await page.goto('/label');
  const first = await shownLease(page);
  // Too short, and too much downwards: neither judges anything.
  await swipe(page, -20, 0);
  await swipe(page, -60, 90);
  await expect(desk(page)).toHaveAttribute('data-lease', first);
  await swipe(page, -120, 10);
  await expect(desk(page)).not.toHaveAttribute('data-lease', first);
  const second = await shownLease(page);
  await swipe(page, 120, -10);
  await expect(desk(page)).not.toHaveAttribute('data-lease', second);
  const third = await shownLease(page);
  // At once after a swipe, when a browser would swallow it.
  await page.getByRole('button', { name: 'Pick the right image' }).tap();
  await expect(desk(page)).not.toHaveAttribute('data-lease', third);
  const fourth = await shownLease(page);
  // One tap is one press, also when the browser sends its click.
  await page.getByRole('button', { name: 'Look closer at both images' }).first().tap();
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).tap();
  await expect(page.getByRole('dialog')).toBeHidden();
  await expect(desk(page)).toHaveAttribute('data-lease', fourth);
  await allSent(page);
  const given = storedPreferences(roundId).map(({ answer }) => answer);
  expect(given.sort()).toEqual(['left', 'right', 'right']);
});

test('a screen reader hears the result, the place, the prompt and the progress', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 4 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await shownLease(page);
  const said = page.locator('[data-said]');
  await expect(said).toHaveText(/^Pair 1: 1 hand, .* Round 1: 0 of 4\.$/);
  await pressAndGoOn(page, 'ArrowLeft');
  await expect(said).toHaveText(/^Left stored\. Pair 2: 1 hand, .* Round 1: \d of 4\.$/);
  await page.keyboard.press('q');
  await expect(said).toHaveText('hand flag set, left image.');
  await page.keyboard.press('z');
  await expect(said).toHaveText(/^Taken back\. .* Pair 1: 1 hand/);
});
