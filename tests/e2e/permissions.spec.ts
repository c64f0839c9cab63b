import { readdirSync } from 'node:fs';
import { expect } from 'playwright/test';
import { type Action, can } from '@/lib/permissions';
import { roles } from '@/lib/roles';
import { test } from './support/app';

/** What each page needs; that of the routes behind them stands in tests/app/api/route-table.ts. */
const pages: Record<string, Action | 'anybody'> = {
  '/': 'images.read',
  '/account': 'images.read',
  '/guidelines': 'guidelines.write',
  '/join/[token]': 'anybody',
  '/label': 'label',
  '/people': 'people.manage',
  '/policies': 'policies.read',
  '/policies/[id]': 'policies.read',
  '/review': 'review.read',
  '/review/annotators': 'review.read',
  '/review/flags': 'review.decide',
  '/review/images': 'review.read',
  '/rewards': 'rewards.read',
  '/rounds': 'rounds.read',
  '/rounds/[id]': 'rounds.read',
  '/rounds/imports/[id]': 'rounds.read',
  '/rounds/new': 'rounds.manage',
  '/sign-in': 'anybody',
};

const guarded = Object.entries(pages).flatMap(([path, needs]) =>
  // Ids that name nothing: whoever may look gets 404.
  needs === 'anybody' ? [] : [{ path: path.replace('[id]', 'nothing'), needs }],
);

/** Every page there is, read from the sources. */
function pagesInSources(): string[] {
  return readdirSync('app', { recursive: true, encoding: 'utf8' })
    .map((file) => `/${file.replaceAll('\\', '/')}`)
    .filter((file) => file.endsWith('/page.tsx'))
    .map((file) => file.slice(0, -'/page.tsx'.length) || '/');
}

test('every page is in the table', () => {
  expect(pagesInSources().sort()).toEqual(Object.keys(pages).sort());
});

test('every page opens for the roles it is for, and for nobody else', async ({ app, browser }) => {
  const wrong: string[] = [];
  for (const role of roles) {
    const page = await app.signIn(browser, role);
    for (const { path, needs } of guarded) {
      const status = (await page.request.get(path)).status();
      const asExpected = can(role, needs) ? status === 200 || status === 404 : status === 403;
      if (!asExpected) wrong.push(`${path} as ${role}: ${status}`);
    }
  }
  const signedOut = await browser.newContext({ baseURL: app.url });
  for (const { path } of guarded) {
    const response = await signedOut.request.get(path);
    if (!response.url().endsWith('/sign-in')) wrong.push(`${path} as nobody: ${response.url()}`);
  }
  expect(wrong).toEqual([]);
});
