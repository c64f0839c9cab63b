import { expect } from 'playwright/test';
import { test } from './support/app';
import { expectAccessible } from './support/axe';

test('an admin invites somebody, changes their role and pauses them', async ({ app, browser }) => {
  const admin = await app.signIn(browser, 'admin', { name: 'Ada' });
  await admin.goto('/people');
  await admin.getByRole('button', { name: 'Invite' }).click();
  await admin.getByLabel('Whom is it for?').fill('Bob');
  await expectAccessible(admin);
  await admin.getByRole('button', { name: 'Make the link' }).click();
  const link = await admin.getByLabel('One-time link').inputValue();
  expect(link.startsWith(`${app.url}/join/`)).toBe(true);
  await admin.getByRole('button', { name: 'Close' }).click();
  await expect(admin.getByRole('region', { name: 'Open links' })).toContainText('Bob');

  const bobs = await browser.newContext();
  const bob = await bobs.newPage();
  await bob.goto(link);
  await bob.getByLabel('Your name').fill('Bob');
  await bob.getByRole('button', { name: /Add email and password/ }).click();
  await bob.getByLabel('Email').fill('Bob@example.org');
  await bob.getByLabel('Password').fill('a long password');
  await bob.getByRole('button', { name: 'Start labeling' }).click();
  await expect(bob).toHaveURL(/\/label$/);
  await expect(bob.getByRole('link', { name: 'People' })).toHaveCount(0);
  const refused = await bob.goto(`${app.url}/people`);
  expect(refused?.status()).toBe(403);
  await expect(bob.getByText('Your role does not open this page')).toBeVisible();

  await admin.reload();
  await expectAccessible(admin);
  const row = admin.getByRole('row', { name: /Bob/ });
  await row.getByRole('combobox').click();
  await admin.getByRole('option', { name: /^reviewer/ }).click();
  await expect(row.getByRole('combobox')).toContainText('reviewer');
  await row.getByRole('button', { name: 'More about Bob' }).click();
  await admin.getByRole('menuitem', { name: 'Pause labeling' }).click();
  await expect(row).toContainText('paused');
  await bob.goto(`${app.url}/label`);
  await expect(bob.getByText('Your account is paused for labeling')).toBeVisible();
});

test('somebody with a password signs out and in again', async ({ app, browser }) => {
  const page = await app.signIn(browser, 'annotator', { name: 'Bob' });
  await page.goto('/account');
  await page.getByLabel('Email').fill('bob@example.org');
  await page.getByLabel('New password').fill('a long password');
  await page.getByRole('button', { name: 'Save' }).last().click();
  await expect(page.getByText('You sign in as bob@example.org')).toBeVisible();
  await page.getByRole('button', { name: /Your account/ }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/sign-in$/);
  await expectAccessible(page);
  await page.goto('/label');
  await expect(page).toHaveURL(/\/sign-in$/);
  await page.getByLabel('Email').fill('bob@example.org');
  await page.getByLabel('Password').fill('a wrong password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'wrong' })).toBeVisible();
  await page.getByLabel('Password').fill('a long password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${app.url}/`);
});

test('the only admin stays admin', async ({ app, browser }) => {
  const page = await app.signIn(browser, 'admin', { name: 'Ada' });
  await page.goto('/people');
  await page.getByRole('combobox', { name: 'Role of Ada' }).click();
  await page.getByRole('option', { name: /^annotator/ }).click();
  await expect(
    page.getByRole('region', { name: 'Notifications' }).getByText('Nothing was changed'),
  ).toBeVisible();
  await expect(page.getByRole('combobox', { name: 'Role of Ada' })).toContainText('admin');
});
