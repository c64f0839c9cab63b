import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'playwright/test';
import { readSafetensors } from '@/trainer/formats/safetensors';
import { servingPolicy } from '../support/policies';
import { test, testAlone } from './support/app';
import { expectAccessible } from './support/axe';
import { adapterModule, seedFinishedRound } from './support/seed-history';

// A server started by these tests may import from here.
const models = mkdtempSync(join(tmpdir(), 'darkroom-models-'));
process.env.DARKROOM_MODELS = models;
writeFileSync(
  join(models, 'add_detail.safetensors'),
  'A trainer looks into it, and none runs here.',
);

test('versions stand as a tree with their rates; one rolls back and serves again', async ({
  app,
  browser,
}) => {
  const { base, trained } = await seedFinishedRound();
  expect((await servingPolicy('hands')).id).toBe(trained.id);
  const page = await app.signIn(browser, 'researcher', { name: 'Mara' });
  await page.goto('/policies');
  const rows = page.getByRole('region', { name: 'Versions' }).getByRole('row');
  await expect(rows).toHaveCount(3);
  await expect(rows.nth(1)).toContainText('Base');
  await expect(rows.nth(1)).toContainText('40.9–92.9 % · 6 of 8');
  await expect(rows.nth(2)).toContainText('Served');
  await expect(rows.nth(2)).toContainText('7.1–59.1 % · 2 of 8');
  await expectAccessible(page);

  await page.getByRole('button', { name: 'Roll back to hands' }).click();
  await expect(page.getByRole('dialog')).toContainText('Nothing is deleted');
  await page.getByRole('button', { name: 'Serve it' }).click();
  await expect(page.getByText('Chosen by Mara')).toBeVisible();
  expect((await servingPolicy('hands')).id).toBe(base.id);
  await page.getByRole('button', { name: 'Serve hands 1' }).click();
  await page.getByRole('button', { name: 'Serve it' }).click();
  await expect(rows.nth(2)).toContainText('Served');
  expect((await servingPolicy('hands')).id).toBe(trained.id);
});

test('the grid shows the same prompts and seeds across versions, and compares with the parent', async ({
  app,
  browser,
}) => {
  await seedFinishedRound();
  const page = await app.signIn(browser, 'reviewer');
  await page.goto('/policies');
  const grid = page.getByRole('region', { name: 'Grid' });
  await expect(grid.getByRole('row')).toHaveCount(7);
  await page.getByRole('button', { name: 'More prompts' }).click();
  await expect(grid.getByRole('row')).toHaveCount(9);
  await grid.getByRole('button', { name: /^hands 1: .* seed 1000$/ }).click();
  await expect(page.getByRole('dialog').getByRole('slider')).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  // A reviewer looks; serving and files are for researchers.
  await expect(page.getByRole('button', { name: /^Serve|^Roll back/ })).toHaveCount(0);
  await expect(page.getByRole('link', { name: /Download/ })).toHaveCount(0);
});

test('an adapter is downloaded for other programs, with what to type there and where it comes from', async ({
  app,
  browser,
}) => {
  const { roundId, base, trained } = await seedFinishedRound();
  const page = await app.signIn(browser, 'researcher');
  await page.goto(`/policies/${trained.id}`);
  await expect(page.getByRole('navigation', { name: 'Descent' })).toContainText('hands');
  await expectAccessible(page);
  const elsewhere = page.getByRole('region', { name: 'Use it elsewhere' });
  const downloaded = async (name: string) => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      elsewhere.getByRole('link', { name }).click(),
    ]);
    const { tensors, metadata } = await readSafetensors(await download.path());
    return { file: download.suggestedFilename(), names: [...tensors.keys()], metadata };
  };
  const diffusers = await downloaded('For diffusers');
  expect(diffusers.file).toBe('hands-1.safetensors');
  expect(diffusers.names).toContain(`${adapterModule}.lora_A.weight`);
  expect(diffusers.metadata.lora_adapter_metadata).toContain('"unet.lora_alpha": 2');
  await expect(elsewhere).toContainText('weight_name="hands-1.safetensors"');
  const kohya = await downloaded('For ComfyUI and A1111');
  expect(kohya.file).toBe('hands-1-kohya.safetensors');
  expect(kohya.names).toContain(
    `${adapterModule.replace('unet.', 'lora_unet_').replaceAll('.', '_')}.alpha`,
  );
  await expect(elsewhere).toContainText('ComfyUI/models/loras/hands-1-kohya.safetensors');
  await expect(elsewhere).toContainText('<lora:hands-1-kohya:1>');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await elsewhere.getByRole('button', { name: 'Copy Prompt for A1111 and Forge' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('<lora:hands-1-kohya:1>');
  const manifest = await (await page.request.get(`/api/policies/${trained.id}/manifest`)).json();
  expect(manifest.policy).toMatchObject({ parentId: base.id, adapterSha256: trained.adapterBlob });
  expect(manifest.round).toMatchObject({ id: roundId, manifest: { seed: 0 } });

  await page.goto(`/policies/${base.id}`);
  await expect(page.getByRole('region', { name: 'Use it elsewhere' })).toHaveCount(0);
  const refused = await page.request.get(`/api/policies/${base.id}/adapter`);
  expect(refused.status()).toBe(404);
  expect((await refused.json()).error.message).toContain('base policy');
});

testAlone(
  'a LoRA file under the root is handed to the trainer, and its import is followed',
  async ({ app, browser }) => {
    const { base, trained } = await seedFinishedRound();
    const page = await app.signIn(browser, 'researcher', { name: 'Mara' });
    await page.goto(`/policies/${trained.id}`);
    const button = page.getByRole('button', { name: 'Start from a LoRA file' });
    await expect(page.getByRole('heading', { name: 'hands 1', exact: true })).toBeVisible();
    await expect(button).toHaveCount(0);
    await page.goto(`/policies/${base.id}`);
    await button.click();
    const dialog = page.getByRole('dialog');
    await expect(dialog.getByRole('button', { name: 'Take it up' })).toBeDisabled();
    await dialog.getByRole('combobox', { name: 'File' }).click();
    await page.getByRole('option', { name: 'add_detail.safetensors' }).click();
    await expectAccessible(page);
    await dialog.getByRole('button', { name: 'Take it up' }).click();
    await expect(page).toHaveURL(/\/policies\?pipeline=hands$/);
    await expect(page.getByText('Waits for a trainer')).toBeVisible();
    await expect(page.getByText(join(models, 'add_detail.safetensors'))).toBeVisible();
    await expect(page.getByText('Asked for by Mara')).toBeVisible();
  },
);
