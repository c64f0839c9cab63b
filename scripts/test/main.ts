import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, isBuilt } from '@/scripts/build';
import { bold, dim, duration, line } from '@/scripts/console';
import { installBrowser } from './browser';
import {
  add,
  inWords,
  nothing,
  oneFailed,
  onePassed,
  playwrightTally,
  type Tally,
  vitestTally,
} from './tally';

const bin = {
  next: 'node_modules/next/dist/bin/next',
  tsc: 'node_modules/typescript/bin/tsc',
  biome: 'node_modules/@biomejs/biome/bin/biome',
  knip: 'node_modules/knip/bin/knip.js',
  vitest: 'node_modules/vitest/vitest.mjs',
  playwright: 'node_modules/playwright/cli.js',
};

const reports = mkdtempSync(join(tmpdir(), 'darkroom-test-'));
const vitestFile = join(reports, 'vitest.json');
const playwrightFile = join(reports, 'playwright.json');

/** Runs a tool with its output on screen; resolves to whether it ended well. */
function tool(args: string[], environment: Record<string, string> = {}): Promise<boolean> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...environment },
  });
  return new Promise((resolve) => child.once('close', (code) => resolve(code === 0)));
}

async function check(args: string[]): Promise<Tally> {
  return (await tool(args)) ? onePassed : oneFailed;
}

async function unit(): Promise<Tally> {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${vitestFile}`];
  const endedWell = await tool([bin.vitest, 'run', ...reporters]);
  return vitestTally(vitestFile, endedWell);
}

async function endToEnd(): Promise<Tally> {
  const browser = installBrowser();
  if (!isBuilt()) await build();
  line('·', 'browser', browser);
  const endedWell = await tool([bin.playwright, 'test', '--reporter=list,json'], {
    PLAYWRIGHT_JSON_OUTPUT_FILE: playwrightFile,
  });
  return playwrightTally(playwrightFile, endedWell);
}

/** Real training on the built-in policy: one round of judgements must lower the rate by more than chance. */
async function learning(): Promise<Tally> {
  const folder = join(reports, 'reproduce');
  const tsx = ['--import', 'tsx', 'scripts/reproduce/main.ts'];
  return check([...tsx, '--quick', '--out', folder, '--work', folder]);
}

const phases: [name: string, run: () => Promise<Tally>][] = [
  ['route types', () => check([bin.next, 'typegen'])],
  ['types', () => check([bin.tsc, '--noEmit'])],
  ['style', () => check([bin.biome, 'check', '.'])],
  ['dead code', () => check([bin.knip])],
  ['unit, parity', unit],
  ['end to end', endToEnd],
  ['learning', learning],
];

const results: { name: string; tally: Tally; took: string }[] = [];
for (const [name, run] of phases) {
  console.log(`\n${bold(name)}`);
  const startedAt = performance.now();
  const tally = await run().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    return oneFailed;
  });
  results.push({ name, tally, took: duration(performance.now() - startedAt) });
}
rmSync(reports, { recursive: true, force: true });

console.log(`\n${bold('summary')}`);
for (const { name, tally, took } of results) {
  line(tally.failed > 0 ? '✗' : '✓', name, `${inWords(tally)} ${dim(took)}`);
}
const total = results.map(({ tally }) => tally).reduce(add, nothing);
for (const name of total.skipped) line('!', 'skipped', name);
console.log(`\n${inWords(total)}`);
process.exitCode = total.failed > 0 ? 1 : 0;
