import { join } from 'node:path';
import { closeDatabases, darkroomHome } from '@/db/client';
import { firstAdmin } from '@/db/people/users';
import { makePrivate } from '@/db/private-home';
import { localUrl, readAddresses } from '@/lib/addresses';
import { build, isBuilt } from '@/scripts/build';
import { bold, dim, duration, line, step } from '@/scripts/console';
import { takeLock } from '@/scripts/lock';
import { adminToken, setUp } from '@/scripts/setup/setup';
import { whenNpmEnds } from './parent';
import { freePort } from './port';
import { answers, noteRunning, noteStopped, runningElsewhere } from './running';
import { type Supervised, supervise } from './supervise';

const startedAt = performance.now();
const healthPollMs = 150;
/** Deaths before the first answer after which the start is given up. */
const deathsMax = 5;
const trainerNiceness = 5;
/** Of a process's last words, when it dies. */
const linesShown = 4;

const home = darkroomHome();
const processes: Supervised[] = [];
const stopping = new AbortController();

async function stop(): Promise<void> {
  if (stopping.signal.aborted) process.exit(1);
  stopping.abort();
  if (processes.length > 0) {
    console.log('');
    line('·', 'stopping', dim('once more to stop at once'));
    await Promise.all(processes.map((running) => running.stop()));
    noteStopped(home);
    line('✓', 'stopped', 'nothing is left running; npm start goes on from here');
  }
  process.exit(0);
}

/** What a log line says to a person; the trainer and the routes write JSON. */
function said(text: string): string {
  try {
    return String(JSON.parse(text).msg ?? text);
  } catch {
    return text;
  }
}

function start(name: string, nodeArguments: string[], more: { url: string; niceness?: number }) {
  const running = supervise({
    name,
    nodeArguments,
    niceness: more.niceness,
    logFolder: `${home}/logs`,
    environment: {
      NODE_ENV: 'production',
      NEXT_TELEMETRY_DISABLED: '1',
      DARKROOM_HOME: home,
      DARKROOM_URL: more.url,
    },
    onDeath(how, restartMs) {
      line('!', name, `ended (${how}); starts again in ${duration(restartMs)}`);
      for (const text of running.tail().slice(-linesShown)) console.log(`    ${dim(said(text))}`);
    },
    onLogDropped(why) {
      line('!', name, `goes on, but its log cannot be written: ${why}`);
    },
  });
  processes.push(running);
  return running;
}

async function untilItAnswers(url: string, web: Supervised): Promise<void> {
  while (!(await answers(url))) {
    if (web.deaths() >= deathsMax) {
      throw new Error(`it ends again and again; ${home}/logs/web.log says why`);
    }
    await new Promise((resolve) => setTimeout(resolve, healthPollMs));
  }
}

/** Why there is no start, for the person who asked for one. */
function inWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'SQLITE_FULL') {
    return `The disk that holds ${home} is full: free some space, then start again.`;
  }
  return error.message;
}

async function run(): Promise<void> {
  const wanted = readAddresses(process.env);
  const { host } = wanted;
  const isLocked = takeLock(join(home, 'running.lock')) !== undefined;
  const other = await runningElsewhere(home);
  if (!isLocked || other) {
    const where = other && `, at ${other.publicUrl ?? other.url} (process ${other.pid})`;
    throw new Error(
      `Darkroom already runs on ${home}${where ?? ', or starts or stops there right now'}. ` +
        'End it with Ctrl-C there, or use another folder: DARKROOM_HOME=/path npm start.',
    );
  }

  await step('build', async () => {
    if (isBuilt()) return 'up to date';
    line('·', 'build', 'building the web app, half a minute the first time');
    await build({ signal: stopping.signal });
    return 'built';
  });
  await step('database', async () => {
    // What the web app and the trainer write is nobody else's, either.
    process.umask(0o077);
    const open = makePrivate(home);
    if (open.length > 0) {
      line(
        '!',
        'database',
        `others may read ${open[0]}: ${home} is on a file system without owners`,
      );
    }
    await setUp();
    return home;
  });

  const port = await freePort(wanted.port, host, wanted.portInsisted);
  const url = localUrl(host, port);
  const publicUrl = wanted.publicUrl ?? url;
  const web = start('web', ['app/serve.mjs', '--hostname', host, '--port', String(port)], {
    url: publicUrl,
  });
  const trainerArguments = ['--import', 'tsx', 'trainer/rounds/main.ts'];
  start('trainer', trainerArguments, { url: publicUrl, niceness: trainerNiceness });
  await step('web', async () => {
    await untilItAnswers(url, web);
    return 'answers';
  });
  noteRunning(home, { url, publicUrl: wanted.publicUrl });

  const isFirst = (await firstAdmin()) === null;
  console.log(`\n  ${bold(isFirst ? `${publicUrl}/join/${await adminToken()}` : publicUrl)}`);
  const hint = isFirst
    ? 'one-time link: whoever opens it first is the admin'
    : 'signed out? npm run sign-in prints a one-time link';
  console.log(`  ${dim(hint)}`);
  closeDatabases();
  console.log(
    `\n  ${dim(`ready in ${duration(performance.now() - startedAt)}; Ctrl-C stops everything`)}`,
  );
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
whenNpmEnds(stop);
// A closed terminal takes the console away; that must not keep the processes from being stopped.
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

console.log(`\n  ${bold('Darkroom')}\n`);
await run().catch(async (error: unknown) => {
  if (stopping.signal.aborted) return;
  await Promise.all(processes.map((running) => running.stop()));
  console.error(`\n  ${inWords(error)}`);
  process.exit(1);
});
