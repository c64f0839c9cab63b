import { type ChildProcess, spawn } from 'node:child_process';
import { expect, type Page } from 'playwright/test';
import { ensureBasePolicy } from '@/db/policies/policies';
import { getRound } from '@/db/rounds/rounds';
import { handsPolicy } from '@/trainer/hands/hands-policy';
import { servingPolicy } from '../support/policies';
import { testAlone as test } from './support/app';
import { allSent, desk, shownLease } from './support/desk';

/**
 * The whole loop with nothing left out: the real trainer draws and trains the built-in policy,
 * people judge in the browser. Small numbers, so that two cores do it within minutes.
 */
const pairs = 4;
const evaluationImages = 8;
const loopMsMax = 12 * 60_000;

let trainer: ChildProcess | undefined;

test.afterEach(async () => {
  if (!trainer || trainer.exitCode !== null) return;
  const ended = new Promise((resolve) => trainer?.once('exit', resolve));
  trainer.kill('SIGTERM');
  await ended;
});

test('a round from its start in a form to a new policy, its rates, and back again', async ({
  app,
  browser,
}) => {
  test.setTimeout(loopMsMax);
  await ensureBasePolicy(await handsPolicy());
  trainer = spawn(process.execPath, ['--import', 'tsx', 'trainer/rounds/main.ts'], {
    env: { ...process.env, DARKROOM_DEVICE: 'cpu', DARKROOM_LOG: 'warn' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });

  const researcher = await app.signIn(browser, 'researcher', { name: 'Mara' });
  const roundId = await startRound(researcher);

  for (const name of ['Ann', 'Bob']) {
    const annotator = await app.signIn(browser, 'annotator', { name });
    await annotator.goto('/label');
    await pickEveryPair(annotator);
    await annotator.close();
  }

  // Nobody reloads: the trainer's progress reaches the open page.
  await expect(researcher.getByRole('heading', { name: 'What came of it' })).toBeVisible({
    timeout: loopMsMax,
  });
  await expect(researcher.getByText('Done', { exact: true })).toBeVisible();
  await expect(researcher.getByRole('img', { name: 'Loss over steps' })).toBeVisible();
  await expect(researcher.getByRole('button', { name: /^Compare hands and Story 1/ })).toHaveCount(
    evaluationImages,
  );
  const round = await getRound(roundId);
  expect(round.progress).toMatchObject({ labeled: 2 * pairs, evaluated: evaluationImages });
  // A single round serves nothing by itself.
  expect((await servingPolicy('hands')).id).toBe(round.startPolicyId);

  const reviewer = await app.signIn(browser, 'reviewer');
  await reviewer.goto('/review');
  const rates = reviewer.getByRole('row', { name: /^Story 1/ });
  await expect(rates).toContainText(`of ${evaluationImages}`);
  await rates.getByRole('link', { name: String(evaluationImages), exact: true }).click();
  await expect(reviewer.getByText(`${evaluationImages} images`)).toBeVisible();
  await reviewer.getByRole('button', { name: /seed/ }).first().click();
  const image = reviewer.getByRole('dialog').getByRole('img');
  await expect
    .poll(() => image.evaluate((element: HTMLImageElement) => element.naturalWidth))
    .toBe(64);

  await researcher.goto('/policies');
  await researcher.getByRole('button', { name: 'Serve Story 1' }).click();
  await researcher.getByRole('button', { name: 'Serve it' }).click();
  await expect(researcher.getByText('Chosen by Mara')).toBeVisible();
  expect((await servingPolicy('hands')).id).toBe(round.resultPolicyId);
  await researcher.getByRole('button', { name: 'Roll back to hands' }).click();
  await researcher.getByRole('button', { name: 'Serve it' }).click();
  await expect.poll(async () => (await servingPolicy('hands')).id).toBe(round.startPolicyId);
});

/** Fills the form in and starts; returns the round's id. */
async function startRound(page: Page): Promise<string> {
  await page.goto('/rounds');
  await page
    .getByRole('link', { name: /^Start/ })
    .first()
    .click();
  await page.getByLabel('Name').fill('Story');
  await page.getByRole('combobox', { name: 'Mode' }).click();
  await page.getByRole('option', { name: /Single round/ }).click();
  await set(page, 'Sampling', { 'Inference steps': 5, 'Pairs per round': pairs });
  await set(page, 'Labeling', { 'Annotators per pair': 2, 'Undo window': 0 });
  await set(page, 'Evaluation', { 'Evaluation images': evaluationImages });
  await expect(page.getByText(/^A single round serves nothing by itself/)).toBeVisible();
  await page.getByRole('button', { name: 'Start the run' }).click();
  await expect(page.getByRole('heading', { name: 'Story, round 1' })).toBeVisible();
  return new URL(page.url()).pathname.split('/').at(-1) ?? '';
}

async function set(page: Page, group: string, values: Record<string, number>): Promise<void> {
  await page.getByText(group, { exact: true }).click();
  for (const [label, value] of Object.entries(values)) {
    await page.getByLabel(new RegExp(`^${label}`)).fill(String(value));
  }
}

/** Judges as everybody else does, whichever side an image is on: by the image's address. */
async function pickEveryPair(page: Page): Promise<void> {
  for (let left = pairs; left > 0; left--) {
    const lease = await waitForPair(page);
    const [first = '', second = ''] = await page
      .locator('[data-pair-layer=shown] img')
      .evaluateAll((images) => images.map((image) => (image as HTMLImageElement).src));
    await page.keyboard.press(first < second ? 'ArrowLeft' : 'ArrowRight');
    await expect(desk(page)).not.toHaveAttribute('data-lease', lease);
  }
  await allSent(page);
}

async function waitForPair(page: Page): Promise<string> {
  await expect(desk(page)).toHaveAttribute('data-phase', 'ready', { timeout: loopMsMax });
  return shownLease(page);
}
