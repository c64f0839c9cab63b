import { z } from 'zod';
import { closeDatabases, darkroomHome } from '@/db/client';
import { createInvitation } from '@/db/people/invitations';
import { answer, looksRight } from '@/scripts/annotators';
import { commandLine, whole } from '@/scripts/command-line';
import { line } from '@/scripts/console';
import { runningElsewhere } from '@/scripts/start/running';
import { createRandom } from '@/trainer/random';
import { annotate } from './annotator';
import { Client } from './client';
import { openEyes } from './eyes';
import { reportTraffic } from './report';
import { Stopwatch } from './stopwatch';
import { watchRounds } from './watch';

const invitationMs = 10 * 60_000;

const { values: options } = commandLine({
  start: 'npm run simulate --',
  about: `Signs in as annotators over HTTP and labels through the same routes as the browser, until so many
rounds are done. Needs a running Darkroom (npm start) on the same DARKROOM_HOME, where it makes its
invitations.`,
  options: z.object({
    annotators: whole(1, 1000).default(8).describe('how many people label at once'),
    rounds: whole(1, 1000).default(1).describe('rounds to wait for'),
    mistakes: z.coerce.number().min(0).max(0.5).default(0.05).describe('share of random picks'),
    'think-ms': whole(0, 60_000)
      .default(300)
      .describe('how long a person looks at a pair, on average'),
    seed: whole(0).default(1).describe('of the mistakes and the thinking times'),
    url: z.url().optional().describe('where Darkroom answers; the running one is found by itself'),
  }),
});
const home = darkroomHome();
const url = options.url ?? (await runningElsewhere(home))?.url;
if (!url) {
  console.error(`Darkroom does not run on ${home}: start it with npm start, or name its --url.`);
  process.exit(1);
}

const stopwatch = new Stopwatch();
const finished = new AbortController();
const eyes = await openEyes();
let picks = 0;

async function newcomer(index: number): Promise<Client> {
  const { token } = await createInvitation({
    role: 'annotator',
    createdBy: null,
    note: 'simulated',
    expiresInMs: invitationMs,
  });
  const client = new Client(url as string, stopwatch);
  await client.join(token, `Simulated ${index + 1}`);
  return client;
}

function work(client: Client, index: number): Promise<void> {
  const random = createRandom(options.seed * 1000 + index);
  return annotate(client, {
    signal: finished.signal,
    onPick: () => {
      picks += 1;
    },
    // Exponential, like the times between people's keys: mostly quick, now and then long.
    thinkMs: () => -Math.log(1 - random.next()) * options['think-ms'],
    choose: async (prompt, left, right) =>
      answer(prompt, await eyes.read(left, right), looksRight, options.mistakes, random),
  });
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => finished.abort());

const startedAt = performance.now();
try {
  const everyone = Array.from({ length: options.annotators }, (_, i) => newcomer(i));
  const clients = await Promise.all(everyone);
  line('✓', 'annotators', `${clients.length} signed in at ${url}`);
  const people = Promise.all(clients.map(work));
  const rounds = watchRounds(options.rounds, finished.signal);
  const succeeded = await Promise.race([rounds, people.then(() => false)]);
  finished.abort();
  await people;
  process.exitCode = succeeded ? 0 : 1;
} catch (error) {
  finished.abort();
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
reportTraffic(picks, performance.now() - startedAt, stopwatch);
await eyes.close();
closeDatabases();
