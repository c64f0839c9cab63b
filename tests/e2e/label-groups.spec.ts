import { expect, type Page } from 'playwright/test';
import { test } from './support/app';
import { expectAccessible } from './support/axe';
import { allSent, desk, pressAndGoOn, screens, shownLease } from './support/desk';
import { seedGroups, seedRound } from './support/seed';
import { storedFlags, storedTaggings } from './support/stored';

const group = (page: Page) => page.locator('[data-group]');

/** Waits until a group stands on screen; returns its id. */
async function shownGroup(page: Page): Promise<string> {
  await shownLease(page);
  return (await group(page).getAttribute('data-group')) ?? '';
}

/** The images of the group on screen, in their order. */
function shownImages(page: Page): Promise<(string | null)[]> {
  return group(page)
    .getByRole('group', { name: 'Tag the bad images' })
    .getByRole('img')
    .evaluateAll((all) => all.map((image) => image.getAttribute('src')));
}

test('the bad images of a group are tagged by number and by click, and taken back', async ({
  app,
  browser,
}) => {
  const roundId = await seedGroups({ groups: 2, size: 5 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  const first = await shownGroup(page);
  await expect(page.getByRole('button', { name: 'None is bad, next' })).toBeEnabled();
  await expectAccessible(page);

  await page.keyboard.press('1');
  await page.getByRole('button', { name: 'Image 4 is bad' }).click();
  await page.keyboard.press('1');
  await page.getByRole('button', { name: '1 bad, next' }).click();
  await expect(group(page)).not.toHaveAttribute('data-group', first);
  await expect(page.getByRole('list', { name: 'Your last decisions' })).toContainText('1 of 5 bad');
  await page.keyboard.press('z');
  await expect(group(page)).toHaveAttribute('data-group', first);
  await expect(page.getByRole('button', { pressed: true })).toHaveAttribute(
    'aria-label',
    'Image 4 is bad',
  );
  await page.keyboard.press('2');
  await pressAndGoOn(page, 'ArrowRight');
  await page.getByRole('button', { name: 'None is bad, next' }).click();
  await expect(page.getByText('You have judged every pair')).toBeVisible();
  await expect(page.getByText('you: 2 today')).toBeVisible();
  await allSent(page);
  const stored = storedTaggings(roundId).filter((row) => row.supersededAt === null);
  expect(stored.map(({ taggedSampleIds }) => taggedSampleIds.length)).toEqual([2, 0]);
  expect(stored[0]?.groupId).toBe(first);
});

test('two people never get one group that wants one reading, and what one leaves goes to the other', async ({
  app,
  browser,
}) => {
  const roundId = await seedGroups({ groups: 5, size: 3, leaseSeconds: 20 });
  const ada = await app.signIn(browser, 'annotator', { name: 'Ada' });
  const bob = await app.signIn(browser, 'annotator', { name: 'Bob' });
  await Promise.all([ada.goto('/label'), bob.goto('/label')]);
  const [adas, bobs] = [await shownGroup(ada), await shownGroup(bob)];
  expect(adas).not.toBe(bobs);
  const images = await shownImages(ada);
  await ada.reload();
  // A reload brings back what was on screen, in the same order.
  expect(await shownGroup(ada)).toBe(adas);
  expect(await shownImages(ada)).toEqual(images);
  await Promise.all([pressAndGoOn(ada, 'ArrowRight'), pressAndGoOn(bob, 'ArrowRight')]);
  await allSent(ada);
  await ada.close();
  await expect(async () => {
    if ((await desk(bob).getAttribute('data-phase')) === 'ready')
      await bob.keyboard.press('ArrowRight');
    await expect(bob.getByText('You have judged every pair')).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await allSent(bob);
  const stored = storedTaggings(roundId);
  expect(stored).toHaveLength(5);
  expect(new Set(stored.map(({ groupId }) => groupId)).size).toBe(5);
});

test('a group is skipped, and the skip is taken back unless somebody else has it', async ({
  app,
  browser,
}) => {
  const roundId = await seedGroups({ groups: 1, size: 4 });
  const ada = await app.signIn(browser, 'annotator', { name: 'Ada' });
  await ada.goto('/label');
  const first = await shownGroup(ada);
  const images = await shownImages(ada);
  await ada.keyboard.press('3');
  await pressAndGoOn(ada, 's');
  await expect(ada.getByText('You have judged every pair')).toBeVisible();
  await allSent(ada);
  await ada.getByRole('button', { name: 'Undo' }).click();
  expect(await shownGroup(ada)).toBe(first);
  expect(await shownImages(ada)).toEqual(images);
  await expect(ada.getByRole('button', { name: '1 bad, next' })).toBeEnabled();
  await allSent(ada);
  await pressAndGoOn(ada, 's');
  await allSent(ada);

  const bob = await app.signIn(browser, 'annotator', { name: 'Bob' });
  await bob.goto('/label');
  expect(await shownGroup(bob)).toBe(first);
  await ada.keyboard.press('z');
  await expect(ada.getByText('Somebody else is judging it meanwhile').first()).toBeVisible();
  await expect(ada.getByText('Others are judging the last pairs')).toBeVisible();
  await pressAndGoOn(bob, 'ArrowRight');
  await allSent(bob);
  expect(storedTaggings(roundId)).toHaveLength(1);
});

test('one image is flagged by key and by click, beside its tag, and the flag comes back', async ({
  app,
  browser,
}) => {
  await seedGroups({ groups: 1, size: 16 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await shownGroup(page);
  // Nothing is chosen yet, so nothing is flagged.
  await page.keyboard.press('q');
  await page.getByRole('button', { name: 'Choose image 12 to flag its defects' }).click();
  const chips = page.getByRole('group', { name: 'Defects of image 12' });
  await page.keyboard.press('q');
  await chips.getByRole('button', { name: 'Artifact' }).click();
  await expect(chips.getByRole('button', { pressed: true })).toHaveText([/Hand/, /Artifact/]);
  // The sixteenth is tagged by a letter, which chooses it.
  await page.keyboard.press('l');
  const tagged = page.getByRole('button', { name: 'Image 16 is bad' });
  await expect(tagged).toHaveAttribute('aria-pressed', 'true');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('t');
  await allSent(page);
  expect(storedFlags().map(({ kind }) => kind)).toEqual(['hand', 'artifact', 'other']);
  await expectAccessible(page);
  await page.reload();
  await shownGroup(page);
  await page.getByRole('button', { name: 'Choose image 12 to flag its defects' }).click();
  await expect(chips.getByRole('button', { pressed: true })).toHaveText([/Hand/, /Artifact/]);
});

test('each image can be looked at closely, tagged and flagged there, and compared with its neighbours', async ({
  app,
  browser,
}) => {
  await seedGroups({ groups: 2, size: 5 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  const first = await shownGroup(page);
  await page.getByRole('button', { name: 'Look closer at image 2' }).click();
  const dialog = page.getByRole('dialog');
  const transform = () =>
    dialog
      .locator('.react-transform-component')
      .evaluate((element) => (element as HTMLElement).style.transform);
  await dialog.getByRole('button', { name: 'Zoom in' }).click();
  await expect.poll(transform).toMatch(/scale\((?!1\))/);
  const zoomed = await transform();
  await page.keyboard.press('ArrowDown');
  await expect(dialog.getByRole('button', { name: 'Image 3 is bad' })).toBeVisible();
  expect(await transform()).toBe(zoomed);
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Image 3 is bad' }).click();
  await page.keyboard.press('w');
  await page.keyboard.press('f');
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('button', { name: 'Image 3 is bad' })).toHaveAttribute(
    'aria-pressed',
    'true',
  );
  await page.keyboard.press('f');
  await expect(dialog.getByRole('button', { name: 'NSFW', pressed: true })).toBeVisible();
  await page.keyboard.press('ArrowRight');
  await expect(dialog).toBeHidden();
  await expect(group(page)).not.toHaveAttribute('data-group', first);
});

test('sensitive images of a group are blurred for those who want it, until they ask', async ({
  app,
  browser,
}) => {
  await seedGroups({ groups: 1, size: 3, blood: true });
  const page = await app.signIn(browser, 'annotator', { withoutConsent: true });
  await page.goto('/label');
  await page.getByRole('switch', { name: /Blur images/ }).click();
  await page.getByRole('button', { name: 'I have read them' }).click();
  await shownGroup(page);
  const image = group(page).getByRole('img').first();
  await expect(image).toHaveCSS('filter', /blur/);
  await page.keyboard.down('b');
  await expect(image).toHaveCSS('filter', 'none');
  await page.keyboard.up('b');
  await expect(image).toHaveCSS('filter', /blur/);
  await page.getByRole('button', { name: 'Show' }).click();
  await expect(image).toHaveCSS('filter', 'none');
});

test('the keys of a group can be changed', async ({ app, browser }) => {
  await seedGroups({ groups: 1, size: 4 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await shownGroup(page);
  await page.getByRole('button', { name: 'Keys' }).click();
  await page.getByRole('button', { name: 'Change the key for: Image 2 is bad' }).click();
  await page.keyboard.press('m');
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.reload();
  await shownGroup(page);
  await page.keyboard.press('2');
  await page.keyboard.press('m');
  await expect(page.getByRole('button', { pressed: true })).toHaveAttribute(
    'aria-label',
    'Image 2 is bad',
  );
});

test('groups follow pairs where both are being labeled, and undo goes back over both', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 1 });
  await seedGroups({ groups: 1, size: 3 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  const pair = await shownLease(page);
  await pressAndGoOn(page, 'ArrowLeft');
  await shownGroup(page);
  await page.keyboard.press('z');
  await expect(desk(page)).toHaveAttribute('data-lease', pair);
  await pressAndGoOn(page, 'ArrowRight');
  await shownGroup(page);
  await pressAndGoOn(page, 'ArrowRight');
  await expect(page.getByText('You have judged every pair')).toBeVisible();
});

test('everything of the largest group is within reach on every screen', async ({
  app,
  browser,
}) => {
  await seedGroups({ groups: 1, size: 16 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  for (const viewport of [...screens, { width: 320, height: 568 }]) {
    await page.setViewportSize(viewport);
    await shownGroup(page);
    // The images follow the window a moment later.
    await expect(() => expectWithinReach(page, viewport)).toPass({ timeout: 10_000 });
  }
});

async function expectWithinReach(
  page: Page,
  viewport: { width: number; height: number },
): Promise<void> {
  const named = `at ${viewport.width}x${viewport.height}`;
  const sideways = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  // Below 0 where a gutter is kept for a scrollbar that is not there.
  expect(sideways, named).toBeLessThanOrEqual(0);
  for (const name of ['None is bad, next', 'Skip', 'Undo']) {
    const box = await page
      .getByRole('button', { name, exact: name !== 'None is bad, next' })
      .boundingBox();
    expect(box?.height, `${name} ${named}`).toBeGreaterThanOrEqual(40);
    expect((box?.y ?? 0) + (box?.height ?? 0), `${name} ${named}`).toBeLessThanOrEqual(
      viewport.height,
    );
  }
  const last = page.getByRole('button', { name: 'Image 16 is bad' });
  await last.scrollIntoViewIfNeeded();
  const box = await last.boundingBox();
  expect(box?.width, named).toBeGreaterThanOrEqual(100);
  // In a low window everything stands beside the images.
  const next = await page.getByRole('button', { name: 'None is bad, next' }).boundingBox();
  const isBeside = viewport.height <= 800 && viewport.width >= 1.5 * viewport.height;
  const first = await page.getByRole('button', { name: 'Image 1 is bad' }).boundingBox();
  expect((next?.x ?? 0) >= (first?.x ?? 0) + (first?.width ?? 0), named).toBe(isBeside);
  // Where there is room, all sixteen are seen at once.
  if (viewport.height >= 720 && viewport.width >= 1024) {
    expect((box?.y ?? 0) + (box?.height ?? 0), named).toBeLessThanOrEqual(viewport.height);
    expect(first?.y, named).toBeGreaterThan(57);
  }
}
