import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright';

const downloadMsMax = 4 * 60_000;
const packageMsMax = 6 * 60_000;

/** Where systems keep a Chromium or Chrome of their own. */
const systemBrowsers = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** The browser that the end-to-end tests use: Playwright's own, else the system's. */
export function findBrowser(): string | undefined {
  return [chromium.executablePath(), ...systemBrowsers].find((path) => existsSync(path));
}

function attempt(command: string, args: string[], timeout: number): boolean {
  const { status } = spawnSync(command, args, {
    stdio: 'ignore',
    timeout,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0;
}

/**
 * Finds a browser or installs one: Playwright's download first, Debian's package second.
 *
 * @throws when there is none and none can be had, with what a person can do
 */
export function installBrowser(): string {
  const present = findBrowser();
  if (present) return present;
  attempt(
    process.execPath,
    ['node_modules/playwright/cli.js', 'install', '--with-deps', 'chromium'],
    downloadMsMax,
  );
  const downloaded = findBrowser();
  if (downloaded) return downloaded;
  if (existsSync('/etc/debian_version') && process.getuid?.() === 0) {
    attempt('apt-get', ['update'], packageMsMax);
    attempt('apt-get', ['install', '--yes', '--no-install-recommends', 'chromium'], packageMsMax);
  }
  const packaged = findBrowser();
  if (packaged) return packaged;
  throw new Error(
    'no Chromium for the end-to-end tests, and neither Playwright nor the system could install one: ' +
      'run `npx playwright install --with-deps chromium`, or install the package `chromium` as root',
  );
}
