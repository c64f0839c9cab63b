import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeLock } from './lock';

/** Everything `next build` reads; the trainer is not part of it. */
const sources = [
  'app',
  'lib',
  'db',
  'public',
  'next.config.mjs',
  'package-lock.json',
  'postcss.config.mjs',
  'proxy.ts',
  'tsconfig.json',
];
const stampFile = '.next/sources.sha256';
const lockFile = 'node_modules/.darkroom-build.lock';
const lockPollMs = 300;

function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  const entries = readdirSync(path, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** A hash of the sources' names and contents: a clone or a checkout changes times, not this. */
function sourcesHash(): string {
  const hash = createHash('sha256');
  for (const source of sources) {
    const isFolder = !source.includes('.');
    const files = isFolder ? filesOf(source).sort() : existsSync(source) ? [source] : [];
    for (const file of files)
      hash.update(file).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

/** Whether the web app has been built from exactly the sources that lie here. */
export function isBuilt(): boolean {
  return (
    existsSync('.next/BUILD_ID') &&
    existsSync(stampFile) &&
    readFileSync(stampFile, 'utf8') === sourcesHash()
  );
}

/**
 * Builds the web app for production, unless it is built. Call it from the project root; of several
 * at once one builds and the others wait for it.
 *
 * @param signal ends the build early
 * @param niceness how much it gives way to other processes: 0 (not) to 19
 * @throws with the compiler's last lines when the build fails
 */
export async function build({
  signal,
  niceness = 0,
}: {
  signal?: AbortSignal;
  niceness?: number;
} = {}): Promise<void> {
  let unlock = takeLock(lockFile);
  while (!unlock) {
    await sleep(lockPollMs, undefined, { signal });
    unlock = takeLock(lockFile);
  }
  try {
    if (!isBuilt()) await compile(niceness, signal);
  } finally {
    unlock();
  }
}

async function compile(niceness: number, signal?: AbortSignal): Promise<void> {
  const hash = sourcesHash();
  const child = spawn(process.execPath, ['node_modules/next/dist/bin/next', 'build'], {
    env: { ...process.env, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  if (child.pid && niceness > 0) setPriority(child.pid, niceness);
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (code !== 0) {
    const lastLines = output.trimEnd().split('\n').slice(-40).join('\n');
    throw new Error(`next build failed with exit code ${code}:\n${lastLines}`);
  }
  writeFileSync(stampFile, hash);
}
