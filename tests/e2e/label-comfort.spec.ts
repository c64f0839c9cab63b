import { expect, type Page } from 'playwright/test';
import { test } from './support/app';
import { expectAccessible } from './support/axe';
import { desk, pressAndGoOn, shownLease } from './support/desk';
import { seedRound } from './support/seed';

test('both images are zoomed and moved together, and can be judged there', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 3 });
  const page = await app.signIn(browser, 'annotator');
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  await page.goto('/label');
  const lease = await shownLease(page);
  await page.keyboard.press('f');
  const dialog = page.getByRole('dialog');
  await expect(dialog).toBeVisible();
  await dialog.getByRole('button', { name: 'Zoom in' }).click();
  await expect
    .poll(() => transforms(page))
    .toEqual([expect.stringMatching(/scale\((?!1\))/), true]);
  const box = await dialog.getByRole('img').last().boundingBox();
  if (!box) throw new Error('the right image has no place on screen');
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.wheel(0, -600);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 - 60, box.y + box.height / 2 - 40, { steps: 4 });
  await page.mouse.up();
  await expect.poll(async () => (await transforms(page))[1]).toBe(true);
  await expectAccessible(page);
  await page.keyboard.press('ArrowLeft');
  await expect(dialog).toBeHidden();
  await expect(desk(page)).not.toHaveAttribute('data-lease', lease);
  // Nothing of it was refused by the content security policy.
  expect(complaints).toEqual([]);
});

/** The left image's transform, and whether the right one has the same. */
async function transforms(page: Page): Promise<[string, boolean]> {
  const [left, right] = await page
    .locator('.react-transform-component')
    .evaluateAll((all) => all.map((element) => (element as HTMLElement).style.transform));
  return [left ?? '', left === right];
}

test('sensitive images are blurred for those who want it, until they ask', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 3, blood: true });
  const page = await app.signIn(browser, 'annotator', { withoutConsent: true });
  await page.goto('/label');
  await page.getByRole('switch', { name: /Blur images/ }).click();
  await page.getByRole('button', { name: 'I have read them' }).click();
  await shownLease(page);
  const image = page.locator('[data-pair-layer=shown] img').first();
  await expect(image).toHaveCSS('filter', /blur/);
  await page.keyboard.down('b');
  await expect(image).toHaveCSS('filter', 'none');
  await page.keyboard.up('b');
  await expect(image).toHaveCSS('filter', /blur/);
  await page.getByRole('button', { name: 'Show' }).first().click();
  await expect(image).toHaveCSS('filter', 'none');
  await pressAndGoOn(page, 'ArrowLeft');
  await expect(image).toHaveCSS('filter', /blur/);
  await page.goto('/account');
  await expect(page.getByRole('switch', { name: /Blur images/ })).toBeChecked();
  await expectAccessible(page);
});

test('keys can be changed and switched off', async ({ app, browser }) => {
  await seedRound({ pairs: 4 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  const first = await shownLease(page);
  await page.getByRole('button', { name: 'Keys' }).click();
  await page.getByRole('button', { name: 'Change the key for: Tie' }).click();
  await page.keyboard.press('m');
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.reload();
  // A reload brings back what was on screen.
  expect(await shownLease(page)).toBe(first);
  await page.keyboard.press('ArrowUp');
  await expect(desk(page)).toHaveAttribute('data-lease', first);
  await pressAndGoOn(page, 'm');
  const second = await shownLease(page);
  await page.getByRole('button', { name: 'Keys' }).click();
  await page.getByRole('switch', { name: 'Use single keys' }).click();
  await page.keyboard.press('Escape');
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('m');
  await expect(desk(page)).toHaveAttribute('data-lease', second);
  await page.getByRole('button', { name: 'Left', exact: true }).click();
  await expect(desk(page)).not.toHaveAttribute('data-lease', second);
});
