import { expect, type Page } from 'playwright/test';
import { test } from './support/app';
import { allSent, desk, shownLease } from './support/desk';
import { seedRound } from './support/seed';
import { storedFlags, storedPreferences } from './support/stored';

/** Presses a key of another keyboard than the test's own: what it types, and where it lies. */
async function pressOn(page: Page, key: string, code: string): Promise<void> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key, code });
  await devtools.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code });
  await devtools.detach();
}

test('the letter printed on a button is the letter pressed, on German, French and Russian keyboards', async ({
  app,
  browser,
}) => {
  const roundId = await seedRound({ pairs: 3 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  const first = await shownLease(page);
  // French: the key that others mark 1 types & without Shift.
  await pressOn(page, '&', 'Digit1');
  await expect(desk(page)).not.toHaveAttribute('data-lease', first);
  await shownLease(page);
  // German: Z lies where others have Y.
  await pressOn(page, 'z', 'KeyY');
  await expect(desk(page)).toHaveAttribute('data-lease', first);
  await pressOn(page, 'a', 'KeyQ');
  await pressOn(page, ',', 'KeyM');
  const left = page.getByRole('group', { name: 'Defects of the left image' });
  const right = page.getByRole('group', { name: 'Defects of the right image' });
  await expect(left.getByRole('button', { pressed: true })).toHaveCount(0);
  await expect(right.getByRole('button', { pressed: true })).toHaveCount(0);
  await pressOn(page, 'q', 'KeyA');
  await pressOn(page, 'y', 'KeyZ');
  await expect(left.getByRole('button', { pressed: true })).toHaveText(/Hand/);
  await expect(right.getByRole('button', { pressed: true })).toHaveText(/Hand/);
  // Russian: no letter of a to z is on the keys, so they go by their places.
  await pressOn(page, 'ц', 'KeyW');
  await expect(left.getByRole('button', { pressed: true })).toHaveText([/Hand/, /NSFW/]);
  await pressOn(page, 'ArrowRight', 'ArrowRight');
  await shownLease(page);
  await allSent(page);
  expect(storedFlags()).toHaveLength(3);
  const standing = storedPreferences(roundId).filter((row) => row.supersededAt === null);
  expect(standing.map(({ answer }) => answer)).toEqual(['right']);
});

test('a key is changed by what is printed on it, and stored keys of earlier versions keep working', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 4 });
  const page = await app.signIn(browser, 'annotator');
  await page.addInitScript(() => {
    if (localStorage.getItem('darkroom-shortcuts')) return;
    localStorage.setItem('darkroom-shortcuts', '{"on":true,"keys":{"skip":["KeyX"]}}');
  });
  await page.goto('/label');
  const first = await shownLease(page);
  await pressOn(page, 's', 'KeyS');
  await pressOn(page, 'x', 'KeyX');
  await expect(desk(page)).not.toHaveAttribute('data-lease', first);
  const second = await shownLease(page);
  await page.getByRole('button', { name: 'Keys' }).click();
  await page.getByRole('button', { name: 'Change the key for: Tie' }).click();
  await pressOn(page, 'ö', 'Semicolon');
  await expect(page.getByRole('button', { name: 'Change the key for: Tie. Now Ö' })).toBeVisible();
  await page.keyboard.press('Escape');
  await page.reload();
  expect(await shownLease(page)).toBe(second);
  await expect(page.getByRole('button', { name: 'Tie' })).toContainText('Ö');
  await pressOn(page, ';', 'Semicolon');
  await expect(desk(page)).toHaveAttribute('data-lease', second);
  await pressOn(page, 'ö', 'BracketLeft');
  await expect(desk(page)).not.toHaveAttribute('data-lease', second);
});
