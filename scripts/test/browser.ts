import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
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

/** Runs a command to its end, however that is: what counts is what is there afterwards. */
function attempt(command: string, args: string[], timeout: number): Promise<void> {
  const child = spawn(command, args, {
    stdio: 'ignore',
    timeout,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return new Promise((resolve) => {
    child.once('close', () => resolve()).once('error', () => resolve());
  });
}

/**
 * Debian's package is a browser; that of Ubuntu, which calls itself like Debian, only says where to
 * get one.
 */
function mayInstallPackage(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/etc/os-release')) return false;
  return /^ID=debian$/m.test(readFileSync('/etc/os-release', 'utf8'));
}

/**
 * Finds a browser or installs one and no more: Debian's package where that may be, else
 * Playwright's download with what it needs.
 *
 * @throws when there is none and none can be had, with what a person can do
 */
export async function installBrowser(): Promise<string> {
  if (!findBrowser() && mayInstallPackage()) {
    await attempt('apt-get', ['update'], packageMsMax);
    const install = ['install', '--yes', '--no-install-recommends', 'chromium'];
    await attempt('apt-get', install, packageMsMax);
  }
  if (!findBrowser()) {
    const download = ['node_modules/playwright/cli.js', 'install', '--with-deps', 'chromium'];
    await attempt(process.execPath, download, downloadMsMax);
  }
  const browser = findBrowser();
  if (browser) return browser;
  throw new Error(
    'no Chromium for the end-to-end tests, and neither Playwright nor the system could install one: ' +
      'run `npx playwright install --with-deps chromium`, or install the package `chromium` as root',
  );
}
