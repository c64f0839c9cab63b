import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, type Page } from 'playwright/test';
import { firstPolicy, isOfPipeline } from '@/db/policies/list';
import { evaluationsOf } from '@/db/rounds/metrics';
import { getRound } from '@/db/rounds/rounds';
import { parseSafetensors } from '@/trainer/formats/safetensors';
import { testAlone as test } from './support/app';
import { expectAccessible } from './support/axe';
import { allSent, desk, shownLease } from './support/desk';

/** A model of each family, by the folders on the way to it, and what is measured. */
const families = [
  { name: 'tiny-sd', way: ['golden', 'tiny-sd'], measure: 'Drawing and every method' },
  { name: 'tiny-sdxl', way: ['families', 'tiny-sdxl', 'pipeline'], measure: 'Drawing alone' },
  { name: 'tiny-sd3', way: ['families', 'tiny-sd3', 'pipeline'], measure: 'Nothing' },
];

const pairs = 2;
const waitMsMax = 8 * 60_000;

let trainer: ChildProcess | undefined;

test.beforeAll(() => {
  process.env.DARKROOM_MODELS = resolve('tests/fixtures');
});

test.afterEach(async () => {
  if (!trainer || trainer.exitCode !== null) return;
  const ended = new Promise((resume) => trainer?.once('exit', resume));
  trainer.kill('SIGTERM');
  await ended;
});

function startTrainer(): void {
  trainer = spawn(process.execPath, ['--import', 'tsx', 'trainer/rounds/main.ts'], {
    env: { ...process.env, DARKROOM_DEVICE: 'cpu', DARKROOM_LOG: 'warn' },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

for (const { name, way, measure } of families) {
  test(`${name} is imported on the page, labeled, trained by picks and by a reward, and downloaded`, async ({
    app,
    browser,
  }) => {
    test.setTimeout(2 * waitMsMax);
    startTrainer();
    const page = await app.signIn(browser, 'researcher', { name: 'Mara' });
    await importModel(page, name, way, measure);
    const base = await firstPolicy(isOfPipeline(name));
    await page.goto(`/policies/${base!.id}`);
    await expect(page.getByRole('heading', { name: 'What was found' })).toBeVisible();
    const fits = page.getByRole('heading', { name: 'What fits on this machine' });
    await expect(fits).toBeVisible({ visible: measure !== 'Nothing' });
    if (measure === 'Drawing and every method')
      await expect(page.getByRole('row', { name: /^D3PO/ })).toContainText(/ M?s.* MB/);
    const image = page.getByRole('img', { name: /as the model drew it/ });
    const width = () => image.evaluate((element: HTMLImageElement) => element.naturalWidth);
    await expect.poll(width).toBe(32);
    await expectAccessible(page);

    const picked = await startRound(page, name, 'D3PO', { Sampling: { 'Pairs per round': pairs } });
    await page.goto('/label');
    await pickEveryPair(page);
    await downloadAdapter(page, picked);
    const drawn = await startRound(page, name, 'DRaFT', {
      'Reward steps': { 'Optimiser steps': 1, 'Images per step': 1 },
    });
    await downloadAdapter(page, drawn);
    if (name === 'tiny-sd') await startFromFile(page, base!.id, picked);
  });
}

test('the flow twin of hands is added with a click, labeled, trained and judged', async ({
  app,
  browser,
}) => {
  test.setTimeout(2 * waitMsMax);
  startTrainer();
  const page = await app.signIn(browser, 'researcher', { name: 'Mara' });
  await page.goto('/policies');
  await page.getByRole('button', { name: 'Import a model' }).click();
  await page.getByRole('button', { name: 'Add hands-flow' }).click();
  await expect(page.getByText('Imported', { exact: true })).toBeVisible({ timeout: waitMsMax });
  const picked = await startRound(page, 'hands-flow', 'D3PO', {
    Sampling: { 'Pairs per round': pairs },
  });
  await page.goto('/label');
  await pickEveryPair(page);
  await downloadAdapter(page, picked);
  const [measured] = await evaluationsOf({ roundId: picked });
  expect(measured?.drawing).toBe('3 0.7 2');
  expect(Object.values(measured!.summary.defects)[0]).toMatchObject({ n: 2 });
});

/** Sends the adapter of a round back as a LoRA file that another program wrote. */
async function startFromFile(page: Page, baseId: string, roundId: string): Promise<void> {
  const { resultPolicyId } = await getRound(roundId);
  const kohya = await page.request.get(`/api/policies/${resultPolicyId}/adapter?names=kohya`);
  expect(kohya.status()).toBe(200);
  await page.goto(`/policies/${baseId}`);
  await page.getByRole('button', { name: 'Start from a LoRA file' }).click();
  const dialog = page.getByRole('dialog');
  const send = async (name: string, buffer: Buffer) => {
    const file = { name, mimeType: 'application/octet-stream', buffer };
    await dialog.locator('input[type=file]').setInputFiles(file);
    await dialog.getByRole('button', { name: 'Take it up' }).click();
  };
  await send('broken.safetensors', Buffer.from('no LoRA'));
  await expect(page.getByText(/broken\.safetensors has 7 bytes/)).toBeVisible({
    timeout: waitMsMax,
  });
  await page.goto(`/policies/${baseId}`);
  await page.getByRole('button', { name: 'Start from a LoRA file' }).click();
  await dialog.getByLabel('Name').fill('From elsewhere');
  await send('detail.safetensors', await kohya.body());
  await expect(page.getByText('LoRA for tiny-sd').first()).toBeVisible();
  const version = page.getByRole('region', { name: 'Versions' }).getByRole('row', {
    name: /From elsewhere/,
  });
  await expect(version).toBeVisible({ timeout: waitMsMax });
  await page
    .getByRole('listitem')
    .filter({ hasText: 'From elsewhere' })
    .getByRole('link', { name: 'Start a run' })
    .click();
  const start = page.getByRole('combobox', { name: 'Start from' });
  await expect(start).toContainText('From elsewhere');
  // Chosen by hand it brings the same.
  await page.goto('/rounds/new');
  await choose(page, 'Pipeline', /^tiny-sd$/);
  await choose(page, 'Start from', /^From elsewhere$/);
  await expect(start).toContainText('From elsewhere');
  // Of the rank that it has: nothing stands in the way.
  // Without a name of its own it is called as the field says.
  await page.getByRole('button', { name: 'Start the run' }).click();
  await expect(page.getByRole('heading', { name: /^tiny-sd, round 1$/ })).toBeVisible();
}

async function importModel(
  page: Page,
  name: string,
  way: readonly string[],
  measure: string,
): Promise<void> {
  await page.goto('/policies');
  await page.getByRole('button', { name: 'Import a model' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText(resolve('tests/fixtures'))).toBeVisible();
  for (const folder of way) {
    await dialog.getByRole('button', { name: new RegExp(`^${folder} ?(Model|Folder)`) }).click();
  }
  await dialog.getByLabel('Name').fill(name);
  await choose(page, 'Measure', new RegExp(`^${measure}$`));
  await expectAccessible(page);
  await dialog.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(dialog).toBeHidden();
  // Nobody reloads.
  await expect(page.getByText('Imported', { exact: true })).toBeVisible({ timeout: waitMsMax });
}

/** A single round with few steps; returns its id. */
async function startRound(
  page: Page,
  pipeline: string,
  method: string,
  settings: Record<string, Record<string, number>>,
): Promise<string> {
  await page.goto('/rounds/new');
  const pipelines = page.getByRole('combobox', { name: 'Pipeline' });
  if (!(await pipelines.textContent())?.includes(pipeline)) {
    await pipelines.click();
    await page.getByRole('option', { name: pipeline }).click();
  }
  await page.getByLabel('Name').fill(`${pipeline} ${method}`);
  await choose(page, 'Method', new RegExp(`^${method}\\b(?!-|\\+)`));
  await choose(page, 'Mode', /Single round/);
  const few = { 'Inference steps': 3 };
  const all = {
    ...settings,
    Sampling: { ...few, ...settings.Sampling },
    Evaluation: { 'Evaluation images': 2 },
  };
  for (const [group, values] of Object.entries(all)) {
    await page.getByText(group, { exact: true }).click();
    for (const [label, value] of Object.entries(values)) {
      await page.getByLabel(new RegExp(`^${label}`)).fill(String(value));
    }
  }
  if (method === 'D3PO') {
    await page.getByText('Labeling', { exact: true }).click();
    await page.getByLabel(/^Undo window/).fill('0');
  }
  // No formula is chosen for anybody.
  if (method === 'DRaFT') await choose(page, 'Reward', /^Symmetry/);
  await page.getByRole('button', { name: 'Start the run' }).click();
  await expect(page.getByRole('heading', { name: `${pipeline} ${method}, round 1` })).toBeVisible();
  return new URL(page.url()).pathname.split('/').at(-1)!;
}

async function choose(page: Page, label: string, option: RegExp): Promise<void> {
  await page.getByRole('combobox', { name: label, exact: true }).click();
  await page.getByRole('option', { name: option }).first().click();
}

async function pickEveryPair(page: Page): Promise<void> {
  for (let left = pairs; left > 0; left--) {
    await expect(desk(page)).toHaveAttribute('data-phase', 'ready', { timeout: waitMsMax });
    const lease = await shownLease(page);
    await page.keyboard.press('ArrowLeft');
    await expect(desk(page)).not.toHaveAttribute('data-lease', lease);
  }
  await allSent(page);
}

/** Waits for the round's policy and downloads its adapter, which holds numbers. */
async function downloadAdapter(page: Page, roundId: string): Promise<void> {
  await expect
    .poll(async () => (await getRound(roundId)).state, { timeout: waitMsMax })
    .toMatch(/done|failed/);
  const { state, error, resultPolicyId } = await getRound(roundId);
  expect([state, error]).toEqual(['done', null]);
  const response = await page.request.get(`/api/policies/${resultPolicyId}/adapter`);
  expect(response.status()).toBe(200);
  const { tensors } = parseSafetensors(await response.body(), 'The adapter');
  expect(tensors.size).toBeGreaterThan(10);
}
