import { expect } from 'playwright/test';
import { declareJudge } from '@/db/policies/declared';
import { listSamples, setVerdicts } from '@/db/rounds/samples';
import { importedName, partSettings, withPart } from '@/lib/judges/imported';
import { verdictOf } from '@/trainer/judging';
import { setFlag } from '../support/flags';
import { test } from './support/app';
import { expectAccessible } from './support/axe';
import { seedFinishedRound } from './support/seed-history';

test('where no program judges, pages say so and show what people flag', async ({
  app,
  browser,
}) => {
  const { roundId, base, annotatorIds } = await seedFinishedRound({ judged: false });
  const [drawn] = await listSamples({ policyId: base.id, purpose: 'evaluation', limit: 1 });
  await setFlag({ sampleId: drawn!.id, kind: 'hand', annotatorId: annotatorIds[0]! });
  const page = await app.signIn(browser, 'admin');

  await page.goto('/review');
  await expect(page.getByText(/Nothing is judged/)).toBeVisible();
  await expect(page.getByRole('row', { name: /^hands / }).first()).toContainText('1 of 1');
  await expectAccessible(page);

  await page.goto(`/rounds/${roundId}`);
  await expect(page.getByText(/Nothing is judged/)).toBeVisible();
  await expect(page.getByText('No judge compares these images.')).toBeVisible();
  const rates = page.getByRole('region', { name: 'Rates before and after' });
  await expect(rates.getByRole('row')).toHaveCount(2);
  await expect(rates).toContainText('Diversity');
  await expectAccessible(page);

  await page.goto('/policies');
  await expect(page.getByText(/Nothing is judged/)).toBeVisible();
  await expect(page.getByRole('columnheader', { name: 'Deformed hands' })).toHaveCount(0);
  await expect(page.getByText(/Marks are what the judge saw/)).toHaveCount(0);

  await page.goto('/rounds');
  await expect(page.getByRole('region', { name: 'Rounds that are over' })).toBeVisible();
  await expect(page.getByRole('columnheader', { name: 'Deformed hands' })).toHaveCount(0);

  await page.goto('/');
  await expect(page.getByText(/by what people flag/)).toBeVisible();
  for (const path of ['/', '/review', '/policies', `/rounds/${roundId}`]) {
    await page.goto(path);
    await expect(page.getByText(/\b0 of 0\b/)).toHaveCount(0);
  }
});

test('where hands are judged, the pages name what is judged', async ({ app, browser }) => {
  const { roundId } = await seedFinishedRound();
  const page = await app.signIn(browser, 'researcher');
  await page.goto('/policies');
  for (const name of ['Deformed hands', 'Blood']) {
    await expect(page.getByRole('columnheader', { name })).toBeVisible();
  }
  await expect(
    page.getByText(
      'Marks are what the judge saw: a wrong number of fingers, or blood. Press an image',
    ),
  ).toBeVisible();
  await page.goto(`/rounds/${roundId}`);
  const rates = page.getByRole('region', { name: 'Rates before and after' });
  await expect(rates.getByRole('row')).toHaveCount(7);
  await expect(rates.getByRole('row', { name: /^Deformed hands/ })).toContainText('6 of 8');
  await page.goto('/rounds/new');
  await expect(page.getByRole('combobox', { name: 'Preset' })).toContainText('Official');
});

test('a judge from elsewhere says what it has seen, and how far it agrees with people', async ({
  app,
  browser,
}) => {
  const { base, annotatorIds } = await seedFinishedRound({ judged: false });
  const declared = await declareJudge(base.pipeline, (judge) =>
    withPart(judge, {
      kind: 'nsfw',
      source: 'nsfwjs 4.4.0',
      networks: { classifier: 'a'.repeat(64) },
      settings: partSettings('nsfw', { threshold: 0.7 }),
    }),
  );
  const drawn = await listSamples({ policyId: base.id, purpose: 'training' });
  const name = importedName(declared.imported!);
  const found = (i: number) => i < 3;
  await setVerdicts(
    drawn.map(({ id: sampleId }, i) => ({
      sampleId,
      verdict: verdictOf(
        { name, declared },
        { defects: { nsfw: { found: found(i), score: Number(found(i)) } } },
      ),
    })),
  );
  for (const { id: sampleId } of drawn.slice(1, 3)) {
    await setFlag({ sampleId, kind: 'nsfw', annotatorId: annotatorIds[0]! });
  }
  const page = await app.signIn(browser, 'reviewer');
  await page.goto('/review?purpose=training');
  await expect(page.getByText('NSFW: not compared with people yet')).toBeVisible();
  const table = page.getByRole('region', { name: 'Agreement of the judge with people' });
  const row = table.getByRole('row', { name: /^NSFW/ });
  await expect(row).toContainText('2 of 3');
  await expect(row).toContainText('2 of 2');
  await expect(row).toContainText('0.71');
  await expect(page.getByText(/Photographs and drawings from Reddit/)).toBeVisible();
  await expect(page.getByText(/It has not seen images that a model made/)).toBeVisible();
  await page.getByText('1 setting').click();
  await expect(page.getByText('Counts from 0.7')).toBeVisible();
  // Further down a dot of the chart lies under the page's head, and counts as too small to press.
  await page.evaluate(() => scrollTo(0, 0));
  await expectAccessible(page);
});
