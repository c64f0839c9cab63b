import { expect, type Page } from 'playwright/test';
import { test } from './support/app';
import { expectAccessibleInBoth } from './support/axe';
import { allSent, desk, screens, shownLease } from './support/desk';
import { pictureSide, seedGroups, seedRound } from './support/seed';
import { storedFlags, storedPreferences } from './support/stored';

const stage = (page: Page) => page.locator('[data-arrangement]');
const transforms = (page: Page) =>
  page
    .locator('.react-transform-component')
    .evaluateAll((all) => all.map((element) => (element as HTMLElement).style.transform));

test('images are compared by one key each: slider, difference, blink, pixel for pixel', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 3 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  const lease = await shownLease(page);
  await page.keyboard.press('d');
  const dialog = page.getByRole('dialog');
  await expect(stage(page)).toHaveAttribute('data-arrangement', 'difference');
  await expect(dialog.getByRole('button', { name: 'Difference' })).toHaveAttribute(
    'aria-pressed',
    'true',
  );
  await expectAccessibleInBoth(page);

  await page.keyboard.press('c');
  await expect(stage(page)).toHaveAttribute('data-arrangement', 'slider');
  const slider = dialog.getByRole('slider', { name: 'How much of the left image shows' });
  await dialog.getByRole('button', { name: 'More of the left image' }).click();
  await expect(slider).toHaveValue('60');
  const covered = (at: number) =>
    page.evaluate((share) => {
      const box = document.querySelector('[data-arrangement]')?.getBoundingClientRect();
      if (!box) throw new Error('no stage');
      const panes = [...document.querySelectorAll<HTMLElement>('[data-arrangement] > div')];
      const right = panes.find(({ style }) => style.clipPath !== '');
      return { right: right?.style.clipPath, from: box.left + share * box.width };
    }, at);
  expect((await covered(0.6)).right).toBe('inset(0px 0px 0px 60%)');
  await expectAccessibleInBoth(page);

  // The same key leads back to side by side.
  await page.keyboard.press('c');
  await expect(stage(page)).toHaveAttribute('data-arrangement', 'beside');
  const left = dialog.getByRole('img', { name: /^Left:/ });
  const right = dialog.getByRole('img', { name: /^Right:/ });
  const placeOf = async (image: typeof left) => (await image.boundingBox())?.x ?? 0;
  const [leftAt, rightAt] = [await placeOf(left), await placeOf(right)];
  expect(leftAt).toBeLessThan(rightAt);
  await page.keyboard.down('v');
  await expect.poll(() => placeOf(left)).toBe(rightAt);
  expect(await placeOf(right)).toBe(leftAt);
  await page.keyboard.up('v');
  await expect.poll(() => placeOf(left)).toBe(leftAt);

  await page.keyboard.press('x');
  // The window's pixels are the screen's here, and the picture is square.
  const side = async () => {
    const box = await left.boundingBox();
    return Math.round(Math.min(box?.width ?? 0, box?.height ?? 0));
  };
  await expect.poll(side).toBe(pictureSide);
  expect(await desk(page).getAttribute('data-lease')).toBe(lease);
});

test('what is zoomed stays in sight whatever the arrangement, and is moved by keys', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 2 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  const lease = await shownLease(page);
  await page.keyboard.press('f');
  await expect(page.getByRole('dialog').getByRole('img').first()).toBeVisible();
  for (let press = 0; press < 4; press++) await page.keyboard.press('+');
  await page.keyboard.press('Shift+ArrowRight');
  const [zoomed, other] = await transforms(page);
  expect(zoomed).toMatch(/scale\((?!1\))/);
  expect(other).toBe(zoomed);
  const size = async () =>
    (await page.getByRole('dialog').getByRole('img').first().boundingBox())?.height ?? 0;
  const before = await size();
  await page.keyboard.press('d');
  await expect(stage(page)).toHaveAttribute('data-arrangement', 'difference');
  // Px of the screen for one of the image, in a pane of another shape.
  const across = await transforms(page);
  expect(across[1]).toBe(across[0]);
  await page.keyboard.press('d');
  await expect(stage(page)).toHaveAttribute('data-arrangement', 'beside');
  await expect.poll(size).toBeCloseTo(before, 0);
  const numbers = (transform = '') => (transform.match(/-?[\d.]+/g) ?? []).map(Number);
  const back = numbers((await transforms(page))[0]);
  numbers(zoomed).forEach((value, index) => {
    expect(back[index]).toBeCloseTo(value, 0);
  });
  await page.keyboard.press('Shift+ArrowLeft');
  expect((await transforms(page))[0]).not.toBe(zoomed);
  // Shift and an arrow judge nothing.
  expect(await desk(page).getAttribute('data-lease')).toBe(lease);
});

test('flags and answers work while comparing, and flags show there and on the desk', async ({
  app,
  browser,
}) => {
  const roundId = await seedRound({ pairs: 2 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  const lease = await shownLease(page);
  await page.keyboard.press('d');
  const dialog = page.getByRole('dialog');
  await page.keyboard.press('q');
  const chips = dialog.getByRole('group', { name: 'Defects of the left image' });
  await expect(chips.getByRole('button', { pressed: true })).toHaveText(/Hand/);
  await dialog
    .getByRole('group', { name: 'Defects of the right image' })
    .getByRole('button', { name: 'Artifact' })
    .click();
  await expectAccessibleInBoth(page);
  await page.keyboard.press('Escape');
  await expect(
    page
      .getByRole('group', { name: 'Defects of the right image' })
      .getByRole('button', { pressed: true }),
  ).toHaveText(/Artifact/);
  await page.keyboard.press('c');
  await page.keyboard.press('ArrowRight');
  await expect(desk(page)).not.toHaveAttribute('data-lease', lease);
  await allSent(page);
  expect(storedFlags().map(({ kind }) => kind)).toEqual(['hand', 'artifact']);
  expect(storedPreferences(roundId).map(({ answer }) => answer)).toEqual(['right']);
});

test('the closer look has room for its images and its buttons in every window', async ({
  app,
  browser,
}) => {
  await seedRound({ pairs: 2 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await shownLease(page);
  await page.keyboard.press('f');
  const dialog = page.getByRole('dialog');
  for (const viewport of screens) {
    const named = `at ${viewport.width}x${viewport.height}`;
    await page.setViewportSize(viewport);
    for (const name of ['Left', 'Right', 'Tie', 'Both bad', 'Difference', 'Slider']) {
      const button = dialog.getByRole('button', { name, exact: true });
      await button.scrollIntoViewIfNeeded();
      const box = await button.boundingBox();
      expect((box?.x ?? 0) + (box?.width ?? 0), `${name} ${named}`).toBeLessThanOrEqual(
        viewport.width,
      );
      expect((box?.y ?? 0) + (box?.height ?? 0), `${name} ${named}`).toBeLessThanOrEqual(
        viewport.height,
      );
    }
    const box = await stage(page).boundingBox();
    expect(Math.min(box?.width ?? 0, box?.height ?? 0), named).toBeGreaterThanOrEqual(176);
  }
});

test('one image of a group is seen pixel for pixel, too', async ({ app, browser }) => {
  await seedGroups({ groups: 1, size: 4 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  await shownLease(page);
  await page.keyboard.press('x');
  const image = page.getByRole('dialog').getByRole('img');
  await expect(image).toBeVisible();
  await page.keyboard.press('x');
  await expect
    .poll(async () => {
      const box = await image.boundingBox();
      return Math.round(Math.min(box?.width ?? 0, box?.height ?? 0));
    })
    .toBe(pictureSide);
  await expect(page.getByRole('button', { name: 'Difference' })).toHaveCount(0);
  await expectAccessibleInBoth(page);
});
