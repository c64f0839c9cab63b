import { defineConfig } from 'playwright/test';
import { findBrowser } from './scripts/test/browser';

/**
 * A real Chromium against the production build; every test starts its own server on its own data.
 */
export default defineConfig({
  testDir: 'tests/e2e',
  globalSetup: './tests/e2e/support/build-once.ts',
  outputDir: 'test-results',
  // Each waits more than it works, and has a server and a data folder of its own.
  workers: 2,
  // Machines that also train are slow; what must be fast is measured, not timed out.
  timeout: 120_000,
  expect: { timeout: 20_000 },
  forbidOnly: process.env.CI !== undefined,
  reporter: [['list']],
  use: {
    // Without a film of it: drawing one costs every test, and each step's page is kept anyway.
    trace: { mode: 'retain-on-failure', screenshots: false },
    reducedMotion: 'reduce',
    launchOptions: {
      executablePath: findBrowser(),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
