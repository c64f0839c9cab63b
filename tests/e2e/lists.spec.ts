import { expect } from 'playwright/test';
import { growHome } from '../support/growth/grow';
import { test } from './support/app';
import { expectAccessible } from './support/axe';

/** More of everything than a page shows. */
const grown = { answers: 900, people: 90, rounds: 81 };

test('long lists come a page at a time, and go on where they ended', async ({ app, browser }) => {
  await growHome(grown);
  const page = await app.signIn(browser, 'admin');

  await page.goto('/rounds');
  const rounds = page.getByRole('region', { name: 'Rounds that are over' }).locator('tbody tr');
  await expect(rounds).toHaveCount(25);
  const last = await rounds.last().getByRole('link').first().textContent();
  await page.getByRole('button', { name: 'More rounds' }).click();
  await expect(rounds).toHaveCount(50);
  expect(await rounds.nth(24).getByRole('link').first().textContent()).toBe(last);
  await expect(page.getByText('50 of 80 shown')).toBeVisible();
  const imports = page.getByRole('region', { name: 'Imports by file' }).locator('tbody tr');
  await expect(imports).toHaveCount(10);
  await page.getByRole('button', { name: 'More imports' }).click();
  await expect(imports).toHaveCount(20);
  await expectAccessible(page);

  await imports.first().getByRole('link').first().click();
  await expect(page.getByRole('heading', { name: 'What was imported' })).toBeVisible();
  await expectAccessible(page);

  await page.goto('/policies');
  const versions = page.getByRole('region', { name: 'Versions' }).locator('tbody tr');
  // The newest, and the base that all come from.
  await expect(versions).toHaveCount(26);
  await expect(versions.first()).toContainText('Base');
  await page.getByRole('button', { name: 'Earlier versions' }).click();
  await expect(versions).toHaveCount(51);
  await expect(versions.last()).toContainText('Served');
  await expectAccessible(page);

  await page.goto('/review');
  const rates = page.getByRole('region', { name: 'Defect rates by version' }).locator('tbody tr');
  await expect(rates).toHaveCount(30);
  await page.getByRole('button', { name: 'Earlier versions' }).click();
  await expect(rates).toHaveCount(60);

  await page.goto('/review/annotators');
  const annotators = page.getByRole('region', { name: 'Annotators' }).locator('tbody tr');
  await expect(annotators).toHaveCount(30);
  await page.getByRole('button', { name: 'More annotators' }).click();
  await expect(annotators).toHaveCount(60);
});

test('people are found by name where they are many', async ({ app, browser }) => {
  await growHome(grown);
  const page = await app.signIn(browser, 'admin', { name: 'Zoe' });
  await page.goto('/people');
  const people = page.getByRole('region', { name: 'People' }).locator('tbody tr');
  await expect(people).toHaveCount(50);
  await expect(page.getByText('Zoe')).toHaveCount(0);
  await page.getByRole('searchbox', { name: 'Find by name or address' }).fill('zo');
  await expect(people).toHaveCount(1);
  await expect(people).toContainText('Zoe');
  await page.getByRole('searchbox').fill('nobody at all');
  await expect(page.getByText('Nobody’s name or address holds “nobody at all”.')).toBeVisible();
  await expectAccessible(page);
});
