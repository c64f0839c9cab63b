import { expect } from 'playwright/test';
import { createInvitation } from '@/db/people/invitations';
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
  await admin.getByRole('menuitem', { name: 'Pause and sign out' }).click();
  await expect(row).toContainText('paused');
  await bob.goto(`${app.url}/label`);
  await expect(bob).toHaveURL(/\/sign-in$/);
  await bob.getByLabel('Email').fill('bob@example.org');
  await bob.getByLabel('Password').fill('a long password');
  await bob.getByRole('button', { name: 'Sign in' }).click();
  await expect(bob).toHaveURL(`${app.url}/`);
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

test('somebody sees where they are signed in, and ends it elsewhere', async ({ app, browser }) => {
  const here = await app.signIn(browser, 'annotator', { name: 'Bob' });
  await here.goto('/account');
  const sessions = here.getByRole('listitem').filter({ hasText: 'signed in' });
  await expect(sessions).toHaveCount(1);
  await expect(sessions).toContainText('this one');
  await here.getByLabel('Email').fill('bob@example.org');
  await here.getByLabel('New password').fill('a long password');
  await here.getByRole('button', { name: 'Save' }).last().click();
  await expect(here.getByText('You sign in as bob@example.org')).toBeVisible();

  const agents = ['Firefox/140.0 (X11; Linux)', 'Safari/18 (iPhone)', 'Chrome/140 (Windows NT)'];
  const elsewhere = await Promise.all(
    agents.map(async (userAgent) => {
      const page = await (await browser.newContext({ baseURL: app.url, userAgent })).newPage();
      await page.goto('/sign-in');
      await page.getByLabel('Email').fill('bob@example.org');
      await page.getByLabel('Password').fill('a long password');
      await page.getByRole('button', { name: 'Sign in' }).click();
      await expect(page).toHaveURL(`${app.url}/`);
      return page;
    }),
  );
  await here.reload();
  await expect(sessions).toHaveCount(4);
  await expectAccessible(here);
  await here.getByRole('button', { name: 'Sign out Firefox on Linux' }).click();
  await expect(sessions).toHaveCount(3);
  await elsewhere[0]?.goto('/account');
  await expect(elsewhere[0]!).toHaveURL(/\/sign-in$/);
  await here.getByRole('button', { name: 'Sign out everywhere else' }).click();
  await expect(sessions).toHaveCount(1);
  await elsewhere[1]?.goto('/account');
  await expect(elsewhere[1]!).toHaveURL(/\/sign-in$/);
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

test('a link leads a reviewer to Review and a researcher to Rounds', async ({ app, browser }) => {
  for (const [role, begin, path] of [
    ['reviewer', 'Start reviewing', '/review'],
    ['researcher', 'Go to the rounds', '/rounds'],
  ] as const) {
    const { token } = await createInvitation({ role, createdBy: null, note: role });
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${app.url}/join/${token}`);
    await page.getByLabel('Your name').fill(role);
    await page.getByRole('button', { name: begin }).click();
    await expect(page).toHaveURL(`${app.url}${path}`);
    await context.close();
  }
});
