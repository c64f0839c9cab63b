import { expect } from 'playwright/test';
import { test } from './support/app';
import { expectAccessible } from './support/axe';
import { allSent } from './support/desk';
import { seedGroups } from './support/seed';
import { storedTaggings } from './support/stored';

test('the bad images of a group are tagged by number and by click, and taken back', async ({
  app,
  browser,
}) => {
  const roundId = await seedGroups({ groups: 2, size: 5 });
  const page = await app.signIn(browser, 'annotator');
  await page.goto('/label');
  const desk = page.locator('[data-group]');
  await expect(desk).toBeVisible();
  const first = (await desk.getAttribute('data-group')) ?? '';
  await expect(page.getByRole('button', { name: 'None is bad, next' })).toBeEnabled();
  await expectAccessible(page);

  await page.keyboard.press('1');
  await page.getByRole('button', { name: 'Image 4 is bad' }).click();
  await page.keyboard.press('1');
  await page.getByRole('button', { name: '1 bad, next' }).click();
  await expect(desk).not.toHaveAttribute('data-group', first);
  await expect(page.getByRole('button', { name: 'None is bad, next' })).toBeEnabled();
  await page.keyboard.press('z');
  await expect(desk).toHaveAttribute('data-group', first);
  await expect(page.getByRole('button', { pressed: true })).toHaveAttribute(
    'aria-label',
    'Image 4 is bad',
  );
  await expect(page.getByRole('button', { name: '1 bad, next' })).toBeEnabled();
  await page.keyboard.press('2');
  await page.keyboard.press('ArrowRight');
  await expect(desk).not.toHaveAttribute('data-group', first);
  await page.getByRole('button', { name: 'None is bad, next' }).click();
  await expect(page.getByText('You have judged every pair')).toBeVisible();
  await allSent(page);
  const stored = storedTaggings(roundId).filter((row) => row.supersededAt === null);
  expect(stored.map(({ taggedSampleIds }) => taggedSampleIds.length)).toEqual([2, 0]);
  expect(stored[0]?.groupId).toBe(first);
});
