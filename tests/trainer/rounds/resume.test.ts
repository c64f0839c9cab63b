import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { startRun } from '@/db/rounds/runs';
import type { Round } from '@/db/schema/rounds';
import {
  baseOn,
  labelEverything,
  quickConfig,
  startRunFrom,
  startTrainer,
  type Trainer,
  traceOf,
  untilRound,
  withHomes,
  withTinyPipeline,
} from './support';

const pipeline = withTinyPipeline();
const homes = withHomes();

const midway: Record<string, (round: Round) => boolean> = {
  sampling: ({ state, progress }) => state === 'sampling' && progress.sampled > 0,
  training: ({ state, progress }) => state === 'training' && progress.trainedSteps > 0,
  evaluating: ({ state, progress }) => state === 'evaluating' && progress.evaluated > 0,
};

/** Kills a trainer in the middle of something; what it leaves is for another. */
async function killMidway(trainer: Trainer, roundId: string, state: string): Promise<Round> {
  const round = await untilRound(roundId, midway[state]!, trainer, 5);
  expect(await trainer.end('SIGKILL')).toBe('SIGKILL');
  return round;
}

// Trainers start one after the other; a busy machine takes its time.
it('ends alike, bit for bit, whether or not it is killed in every state', {
  timeout: 300_000,
}, async () => {
  const home = await homes.make();
  const round = await startRunFrom(await baseOn(pipeline.folder));
  const twin = await homes.copy(home);

  homes.use(home);
  const whole = startTrainer();
  await untilRound(round.id, ({ state }) => state === 'labeling', whole);
  await labelEverything();
  await untilRound(round.id, ({ state }) => state === 'done', whole);
  await whole.end('SIGTERM');
  const undisturbed = await traceOf(round.id);

  homes.use(twin);
  const killedIn = [(await killMidway(startTrainer(), round.id, 'sampling')).state];
  const second = startTrainer();
  await untilRound(round.id, ({ state }) => state === 'labeling', second);
  await labelEverything();
  killedIn.push((await killMidway(second, round.id, 'training')).state);
  killedIn.push((await killMidway(startTrainer(), round.id, 'evaluating')).state);
  const last = startTrainer();
  await untilRound(round.id, ({ state }) => state === 'done', last);
  await last.end('SIGTERM');
  expect(killedIn).toEqual(['sampling', 'training', 'evaluating']);
  const killed = await traceOf(round.id);
  expect(killed).toEqual(undisturbed);
  expect(killed.policies.map(({ adapterBlob }) => adapterBlob)).toHaveLength(2);
});

it('by ddpo, dpok and spo, too, with what they have learned of rewards and the average of their weights', {
  timeout: 600_000,
}, async () => {
  const home = await homes.make();
  const base = await baseOn(pipeline.folder);
  const rounds: Round[] = [];
  for (const method of ['ddpo', 'dpok', 'spo'] as const) {
    const { round } = await startRun({
      name: method,
      mode: 'single',
      method,
      pipeline: base.pipeline,
      startPolicyId: base.id,
      createdBy: null,
      config: {
        ...quickConfig,
        sampling: { ...quickConfig.sampling, inferenceSteps: 3 },
        training: { ...quickConfig.training, emaDecay: 0.9999 },
        evaluation: { images: 2 },
        rewards: [{ model: 'brightness' }],
        reward: { optimiserSteps: 16, imagesPerStep: 2 },
        // Few enough for every prompt to count against its own rewards, of this draw and of earlier
        // ones.
        ddpo: { updatesPerDraw: 2, clipRange: 0.1, buffer: 6, minimum: 2 },
        dpok: { updatesPerDraw: 2, clipRange: 0.1, valueLearningRate: 0.01 },
        spo: { updatesPerDraw: 2, candidates: 2, startStep: 1, threshold: 0 },
      },
    });
    rounds.push(round);
  }
  const twin = await homes.copy(home);
  const finish = async (trainer: Trainer) => {
    for (const { id } of rounds) await untilRound(id, ({ state }) => state === 'done', trainer);
    await trainer.end('SIGTERM');
    return Promise.all(rounds.map(({ id }) => traceOf(id)));
  };

  homes.use(home);
  const undisturbed = await finish(startTrainer());

  homes.use(twin);
  // Rounds are taken up in their order, so each trainer meets the next one after it has ended the
  // one before.
  for (const { id } of rounds) {
    const trainer = startTrainer();
    const midTraining: (typeof midway)[string] = (found) =>
      midway.training!(found) && found.progress.trainedSteps > 1;
    const { state, progress } = await untilRound(id, midTraining, trainer, 5);
    expect(await trainer.end('SIGKILL')).toBe('SIGKILL');
    expect(state).toBe('training');
    expect(progress.trainedSteps).toBeLessThan(8);
  }
  expect(await finish(startTrainer())).toEqual(undisturbed);
});

it.skipIf(process.platform !== 'linux')('opens another engine when one dies', async () => {
  await homes.make();
  const round = await startRunFrom(await baseOn(pipeline.folder));
  const trainer = startTrainer();
  await untilRound(round.id, midway.sampling!, trainer, 5);
  const { pid } = trainer.process;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const child of children.trim().split(' ')) process.kill(Number(child), 'SIGKILL');
  await untilRound(round.id, ({ state }) => state === 'labeling', trainer);
  expect(trainer.output()).toContain('going on from the last checkpoint');
});
