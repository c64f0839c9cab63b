import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { isBuilt } from '@/scripts/build';
import { findBrowser } from '@/scripts/test/browser';
import { preparedSettings } from '@/trainer/rounds/pipelines/machine';
import { PreparedStore } from '@/trainer/runtime/prepared/store';
import { broken, type Finding, fine, lacking } from './finding';

const gigabyte = 1e9;
const diskBytesEnough = 2 * gigabyte;
const diskBytesLeast = 0.2 * gigabyte;
/** What sampling and training the built-in policy beside the web app takes. */
const memoryBytesEnough = 2 * gigabyte;

const inGigabytes = (bytes: number) => `${(bytes / gigabyte).toFixed(1)} GB`;

/** The first line that a program prints, or undefined where it is not there. */
function firstLine(program: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  return status === 0 ? stdout.trim().split('\n')[0] : undefined;
}

/** Node runs this, and `scripts/install.mjs` has refused one that is too old. */
export function node(): Finding {
  return fine('node', `${process.versions.node}, ${process.platform}/${process.arch}`);
}

export function npm(): Finding {
  const version = firstLine('npm', '--version');
  if (version) return fine('npm', version);
  return broken('npm', 'not found', 'Install Node with npm from https://nodejs.org.');
}

/** Only better-sqlite3 is ever compiled, and only where no ready-made binary fits. */
export function compiler(): Finding {
  const version = firstLine('c++', '--version');
  if (version) return fine('compiler', version);
  return lacking(
    'compiler',
    'no C++ compiler (needed only where better-sqlite3 has no ready-made binary)',
    'Debian, Ubuntu: apt-get install -y python3 make g++; macOS: xcode-select --install.',
  );
}

/** The folder, or the nearest above it that is there. */
function existing(home: string): string {
  let folder = resolve(home);
  while (!existsSync(folder)) folder = dirname(folder);
  return folder;
}

export async function disk(home: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(existing(home));
  const free = bavail * bsize;
  const found = `${inGigabytes(free)} free for ${home}`;
  const remedy = `Free some space, or put the data elsewhere: DARKROOM_HOME=/path npm start.`;
  if (free < diskBytesLeast) return broken('disk', found, remedy);
  return free < diskBytesEnough ? lacking('disk', found, remedy) : fine('disk', found);
}

/** Large networks that the trainer keeps ready to be mapped. */
export async function preparedNetworks(home: string): Promise<Finding> {
  const settings = preparedSettings(home);
  if (!settings) return fine('prepared', 'no networks are kept (DARKROOM_PREPARED_GB=0)');
  const kept = new PreparedStore(settings).list();
  const bytes = kept.reduce((sum, network) => sum + network.bytes, 0);
  const most = inGigabytes(settings.mostBytes);
  const found = `${kept.length} large networks, ${inGigabytes(bytes)} of at most ${most}`;
  const { bavail, bsize } = await statfs(existing(home));
  const room = Math.max(0, settings.mostBytes - bytes);
  if (kept.length === 0 || bavail * bsize > room) return fine('prepared', found);
  return lacking(
    'prepared',
    `${found}, and only ${inGigabytes(bavail * bsize)} free`,
    'Free some space, or say how much they may take: DARKROOM_PREPARED_GB=5 npm start; 0 keeps none, and each start packs them anew. Only large imported models need it.',
  );
}

export function memory(): Finding {
  const found = `${inGigabytes(freemem())} of ${inGigabytes(totalmem())} free, ${availableParallelism()} cores`;
  if (freemem() >= memoryBytesEnough) return fine('memory', found);
  return lacking(
    'memory',
    found,
    `Close something: training beside the web app takes about ${inGigabytes(memoryBytesEnough)}.`,
  );
}

export function browser(): Finding {
  const path = findBrowser();
  if (path) return fine('browser', path);
  return lacking(
    'browser',
    'no Chromium (needed only by npm test)',
    'npm test installs one; by hand: npx playwright install --with-deps chromium.',
  );
}

export function webApp(): Finding {
  if (isBuilt()) return fine('web app', 'built from these sources');
  return lacking('web app', 'not built from these sources', 'npm start builds it.');
}
