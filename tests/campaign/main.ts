/**
 * @file `npm run campaign`: kills what runs, again and again, while people label one round. Never
 * part of a test.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { closeDatabases } from '@/db/client';
import { migrateDatabase } from '@/db/migrate';
import { ensureBasePolicy } from '@/db/policies/policies';
import { getRound } from '@/db/rounds/rounds';
import { startRun } from '@/db/rounds/runs';
import { isFinished } from '@/lib/rounds';
import { presetConfig } from '@/lib/settings/run-config';
import { commandLine, refuse, whole } from '@/scripts/command-line';
import { duration } from '@/scripts/console';
import { Stopwatch } from '@/scripts/simulate/stopwatch';
import { freePort } from '@/scripts/start/port';
import { handsPolicy } from '@/trainer/hands/hands-policy';
import { createRandom } from '@/trainer/random';
import { brokenPromises } from './checks';
import { Darkroom } from './darkroom';
import { type Ledger, labelWith } from './people';
import { type Victim, victims, victimsOn } from './processes';

const { values: options } = commandLine({
  start: 'npm run campaign --',
  about: `Starts Darkroom on a data folder of its own, lets simulated people label one round of the built-in policy, and kills
(SIGKILL) the supervisor, the web app, the trainer or an engine at random moments, until so many have died and the round is
done. Then it holds what was acknowledged against what is stored. Linux only.`,
  options: z.object({
    seed: whole(0)
      .default(() => Date.now() % 1_000_000)
      .describe('of the moments, the victims and the picks; by the clock unless told'),
    kills: whole(1, 1000).default(50).describe('how many processes are killed'),
    'interval-ms': whole(100, 60_000).default(4_000).describe('between two kills, on average'),
    annotators: whole(1, 100).default(6).describe('how many people label at once'),
    pairs: whole(2, 10_000).default(120).describe('pairs of the round'),
    'think-ms': whole(0, 60_000).default(1_500).describe('how long a person looks at a pair'),
    minutes: whole(1, 600).default(30).describe('after which it is given up'),
  }),
});
if (process.platform !== 'linux')
  refuse('The campaign finds its victims in /proc: run it on Linux.');

const home = mkdtempSync(join(tmpdir(), 'darkroom-campaign-'));
process.env.DARKROOM_HOME = home;
const startedAt = performance.now();
const say = (text: string) => {
  const at = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${at.padStart(7)} s  ${text}`);
};

/**
 * One round of the built-in policy that goes from checkpoint to checkpoint within seconds, as it
 * has to between two kills.
 */
async function makeRound(): Promise<string> {
  await migrateDatabase();
  const { manifest, ...identity } = await handsPolicy();
  const base = await ensureBasePolicy({ ...identity, manifest });
  const config = presetConfig(manifest.presets.hands, {
    prompts: manifest.suggestedPrompts,
    evaluationPrompts: manifest.suggestedEvaluationPrompts,
  });
  const { round } = await startRun({
    name: 'Campaign',
    mode: 'single',
    method: 'd3po',
    pipeline: base.pipeline,
    config: {
      ...config,
      sampling: {
        ...config.sampling,
        pairsPerRound: options.pairs,
        inferenceSteps: 10,
        batchImages: 4,
      },
      labeling: { ...config.labeling, annotatorsPerPair: 3 },
      training: { ...config.training, pairsPerStep: 4, checkpointSeconds: 0 },
      evaluation: { ...config.evaluation, images: 96 },
    },
    startPolicyId: base.id,
    createdBy: null,
  });
  return round.id;
}

/** What the trainer has reached: it changes with every checkpoint. */
async function reached(roundId: string): Promise<string> {
  const { state, progress } = await getRound(roundId);
  return [state, progress.sampled, progress.trainedSteps, progress.evaluated].join(' ');
}

/**
 * Kills until so many have died. The kind is drawn first, so that many engines do not crowd out the
 * rest. After one to three deaths that the trainer feels it is spared up to its next checkpoint: a
 * machine where nothing is ever reached between two kills shows nothing.
 */
async function killThem(roundId: string, signal: AbortSignal): Promise<Record<Victim, number>> {
  const random = createRandom(options.seed);
  const killed = { supervisor: 0, web: 0, trainer: 0, engine: 0 };
  let before = '';
  let allowed = 0;
  for (let kill = 1; kill <= options.kills && !signal.aborted; ) {
    await sleep(options['interval-ms'] * random.between(0.2, 1.8));
    const now = await reached(roundId);
    if (now !== before) allowed = 1 + random.integer(3);
    before = now;
    const kind = random.pick(victims);
    if (kind !== 'web' && allowed === 0) continue;
    const alive = victimsOn(home).filter((victim) => victim.kind === kind);
    if (alive.length === 0) continue;
    const { pid } = random.pick(alive);
    process.kill(pid, 'SIGKILL');
    killed[kind] += 1;
    if (kind !== 'web') allowed -= 1;
    say(`kill ${kill++}: ${kind} ${pid}, ${now}`);
  }
  return killed;
}

async function untilFinished(roundId: string, signal: AbortSignal): Promise<void> {
  let state: string | undefined;
  while (!signal.aborted) {
    const round = await getRound(roundId);
    if (round.state !== state) say(`round ${round.state}`);
    state = round.state;
    if (isFinished(round.state)) return;
    await sleep(300);
  }
}

say(`seed ${options.seed}, ${options.kills} kills`);
const roundId = await makeRound();
const darkroom = new Darkroom(home, await freePort(3400, '127.0.0.1', false));
const ledger: Ledger = new Map();
const over = new AbortController();
const giveUp = setTimeout(() => over.abort(), options.minutes * 60_000);
for (const event of ['SIGINT', 'SIGTERM'] as const) process.once(event, () => over.abort());

darkroom.start();
await darkroom.untilItAnswers();
say(`runs at ${darkroom.url}`);
let trouble: unknown;
const people = labelWith(
  options.annotators,
  {
    ...options,
    url: darkroom.url,
    thinkMs: options['think-ms'],
    stopwatch: new Stopwatch(),
    ledger,
  },
  over.signal,
).catch((error: unknown) => {
  trouble = error;
});
const finished = untilFinished(roundId, over.signal);
const killing = killThem(roundId, over.signal);
const inTime = await Promise.race([finished.then(() => true), people.then(() => false)]);
over.abort();
const killed = await killing;
await people;
clearTimeout(giveUp);
const left = await darkroom.stop();

const broken = await brokenPromises(roundId, ledger);
if (!inTime) broken.push(`the people stopped labeling before the round was done: ${trouble}`);
for (const process of left) broken.push(`left running: ${process}`);
if (darkroom.complaint) broken.push(`a start ended by itself: ${darkroom.complaint}`);
const died = Object.values(killed).reduce((sum, n) => sum + n, 0);
if (died < options.kills) {
  broken.push(`the round was done after ${died} kills: more --pairs, or a shorter --interval-ms`);
}
closeDatabases();
rmSync(home, { recursive: true, force: true });

const counted = [...ledger.values()].filter(({ outcome }) => outcome === 'counted').length;
console.log(`
seed ${options.seed}: ${died} killed (${victims.map((kind) => `${killed[kind]} × ${kind}`).join(', ')}) in ${duration(performance.now() - startedAt)},
${darkroom.starts} starts, ${ledger.size} picks sent, ${counted} acknowledged as counted`);
for (const sentence of broken) console.log(`BROKEN: ${sentence}`);
if (broken.length === 0) {
  console.log('every acknowledged pick is stored once, the round is done, nothing is left running');
}
process.exitCode = broken.length === 0 ? 0 : 1;
