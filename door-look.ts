import { spawn } from 'node:child_process';
import { chromium } from 'playwright';
import { migrateDatabase } from '@/db/migrate';
import { setUp } from '@/scripts/setup/setup';
import { invite } from '@/tests/e2e/support/seed';

await migrateDatabase();
await setUp();
const port = 43117;
const url = `http://127.0.0.1:${port}`;
const env = { ...process.env, NODE_ENV: 'production' as const, DARKROOM_URL: url };
const server = spawn(process.execPath, ['app/serve.mjs', '--port', String(port)], {
  env,
  stdio: 'inherit',
});
const trainer = spawn(process.execPath, ['--import', 'tsx', 'trainer/rounds/main.ts'], {
  env,
  stdio: 'inherit',
});
try {
  for (;;) {
    if (
      await fetch(`${url}/api/health`).then(
        (r) => r.ok,
        () => false,
      )
    )
      break;
    await new Promise((r) => setTimeout(r, 200));
  }
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
  const context = await browser.newContext({ baseURL: url });
  const token = (await invite('researcher')).replace('/join/', '');
  await context.request.post('/api/join', { data: { token, name: 'Mara', acceptedGuidelines: 1 } });
  const page = await context.newPage();
  page.on('console', (m) => m.type() === 'error' && console.log('console', m.text()));
  const shots = async (name: string) => {
    for (const scheme of ['light', 'dark'] as const)
      for (const [w, h] of [
        [1440, 900],
        [1280, 720],
        [1024, 768],
        [390, 844],
        [844, 390],
      ] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.setViewportSize({ width: w, height: h });
        await page.waitForTimeout(150);
        await page.screenshot({ path: `/tmp/door-shots/${name}-${w}-${scheme}.png` });
        const over = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        if (over) console.log('overflows', name, w);
      }
    await page.setViewportSize({ width: 1280, height: 720 });
  };
  await page.goto('/policies');
  await page.getByRole('button', { name: 'Import a model' }).click();
  await page.getByRole('button', { name: /golden/ }).click();
  await page.getByRole('button', { name: /tiny-sd/ }).click();
  await page.waitForTimeout(500);
  await shots('dialog');
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.waitForTimeout(2500);
  await shots('running');
  await page.getByText('Imported', { exact: true }).waitFor({ timeout: 240000 });
  await shots('ready');
  await page.getByRole('link', { name: 'tiny-sd' }).first().click();
  await page.getByText('What was found').waitFor();
  await page.waitForTimeout(1000);
  await shots('found');
  await page.getByText('What fits on this machine').scrollIntoViewIfNeeded();
  await shots('fits');
  await browser.close();
} finally {
  server.kill('SIGKILL');
  trainer.kill('SIGTERM');
  setTimeout(() => process.exit(0), 1500);
}
