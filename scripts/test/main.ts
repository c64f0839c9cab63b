import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '@/scripts/build';
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

/** How far what runs beside something else gives way to it. */
const niceness = 19;

/**
 * Runs a tool to its end; resolves to whether it ended well, and to its output unless that goes to
 * the screen.
 */
function tool(
  args: string[],
  { aloud, environment }: { aloud: boolean; environment?: Record<string, string> },
): Promise<{ endedWell: boolean; output: string }> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', aloud ? 'inherit' : 'pipe', aloud ? 'inherit' : 'pipe'],
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', ...environment },
  });
  if (child.pid && !aloud) setPriority(child.pid, niceness);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      output += chunk;
    });
  }
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ endedWell: code === 0, output }));
  });
}

type Result = { name: string; tally: Tally; took: string };

/**
 * Runs a phase; what it throws is its failure. What a quiet one says is printed when it is over, in
 * one piece.
 */
async function measured(
  name: string,
  run: () => Promise<{ tally: Tally; output?: string }>,
): Promise<Result> {
  const startedAt = performance.now();
  const { tally, output = '' } = await run().catch((error: unknown) => ({
    tally: oneFailed,
    output: `${error instanceof Error ? error.message : error}\n`,
  }));
  const took = duration(performance.now() - startedAt);
  if (output) console.log(`\n${bold(name)}\n${output.trimEnd()}`);
  return { name, tally, took };
}

async function aloud(name: string, run: () => Promise<Tally>): Promise<Result> {
  console.log(`\n${bold(name)}`);
  return measured(name, async () => ({ tally: await run() }));
}

function quietly(name: string, args: string[]): Promise<Result> {
  return measured(name, async () => {
    const { endedWell, output } = await tool(args, { aloud: false });
    return { tally: endedWell ? onePassed : oneFailed, output };
  });
}

async function unit(): Promise<Tally> {
  const environment = { DARKROOM_VITEST_REPORT: vitestFile };
  const { endedWell } = await tool([bin.vitest, 'run'], { aloud: true, environment });
  return vitestTally(vitestFile, endedWell);
}

async function endToEnd(): Promise<Tally> {
  const { endedWell } = await tool([bin.playwright, 'test', '--reporter=list,json'], {
    aloud: true,
    environment: { PLAYWRIGHT_JSON_OUTPUT_FILE: playwrightFile },
  });
  return playwrightTally(playwrightFile, endedWell);
}

/**
 * Real training on the built-in policy: one round of judgements must lower the rate by more than
 * chance.
 */
function learning(): Promise<Result> {
  const folder = join(reports, 'reproduce');
  const script = ['--import', 'tsx', 'scripts/reproduce/main.ts'];
  return quietly('learning', [...script, '--quick', '--out', folder, '--work', folder]);
}

/** What the browser tests need: a browser, and the web app as it is shipped. */
async function browserAndBuild(): Promise<{ tally: Tally; output: string }> {
  const browser = await installBrowser();
  await build({ niceness });
  return { tally: onePassed, output: browser };
}

// What writes types for the checks goes before them, and the build, which writes them anew, after.
console.log(`\n${bold('types, style, dead code')}`);
const results = [await quietly('route types', [bin.next, 'typegen'])];
results.push(
  ...(await Promise.all([
    quietly('types', [bin.tsc, '--noEmit']),
    quietly('style', [bin.biome, 'check', '.']),
    quietly('dead code', [bin.knip]),
    quietly('code that only tests use', [bin.knip, '--production']),
  ])),
);
const preparing = measured('browser, build', browserAndBuild);
// Training takes what the tests leave: a little of the first, more of the browser's, which wait.
const learned = preparing.then(learning);
results.push(await aloud('unit, parity', unit));
results.push(await preparing);
results.push(await aloud('end to end', endToEnd), await learned);
rmSync(reports, { recursive: true, force: true });

console.log(`\n${bold('summary')}`);
for (const { name, tally, took } of results) {
  line(tally.failed > 0 ? '✗' : '✓', name, `${inWords(tally)} ${dim(took)}`);
}
const total = results.map(({ tally }) => tally).reduce(add, nothing);
for (const name of total.skipped) line('!', 'skipped', name);
console.log(`\n${inWords(total)}`);
process.exitCode = total.failed > 0 ? 1 : 0;
