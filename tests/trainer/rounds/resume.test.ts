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

/** Runs the round to its end. Before it goes on from a state, `interrupt` may do its worst in it. */
async function complete(roundId: string, interrupt = async (_state: string) => {}) {
  await interrupt('sampling');
  const first = startTrainer();
  await untilRound(roundId, ({ state }) => state === 'labeling', first);
  await first.end('SIGTERM');
  await labelEverything();
  await interrupt('training');
  const second = startTrainer();
  await untilRound(roundId, ({ state }) => state === 'evaluating' || state === 'done', second);
  await second.end('SIGTERM');
  await interrupt('evaluating');
  const third = startTrainer();
  await untilRound(roundId, ({ state }) => state === 'done', third);
  await third.end('SIGTERM');
  return traceOf(roundId);
}

// Six trainers start one after the other; a busy machine takes its time.
it('ends alike, bit for bit, whether or not it is killed in every state', {
  timeout: 300_000,
}, async () => {
  const home = await homes.make();
  const round = await startRunFrom(await baseOn(pipeline.folder));
  const twin = await homes.copy(home);

  homes.use(home);
  const undisturbed = await complete(round.id);

  homes.use(twin);
  const killedIn: string[] = [];
  const killed = await complete(round.id, async (state) => {
    const trainer = startTrainer();
    const { state: reached } = await untilRound(round.id, midway[state]!, trainer);
    expect(await trainer.end('SIGKILL')).toBe('SIGKILL');
    killedIn.push(reached);
  });
  expect(killedIn).toEqual(['sampling', 'training', 'evaluating']);
  expect(killed).toEqual(undisturbed);
  expect(killed.policies.map(({ adapterBlob }) => adapterBlob)).toHaveLength(2);
});

it.each(['ddpo', 'dpok', 'spo'] as const)(
  'by %s, too, with what it has learned of rewards and the average of its weights',
  { timeout: 300_000 },
  async (method) => {
    const home = await homes.make();
    const base = await baseOn(pipeline.folder);
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
        // Few enough for every prompt to count against its own rewards, of this draw and of earlier ones.
        ddpo: { updatesPerDraw: 2, clipRange: 0.1, buffer: 6, minimum: 2 },
        dpok: { updatesPerDraw: 2, clipRange: 0.1, valueLearningRate: 0.01 },
        spo: { updatesPerDraw: 2, candidates: 2, startStep: 1, threshold: 0 },
      },
    });
    const twin = await homes.copy(home);
    const finish = async () => {
      const trainer = startTrainer();
      await untilRound(round.id, ({ state }) => state === 'done', trainer);
      await trainer.end('SIGTERM');
      return traceOf(round.id);
    };

    homes.use(home);
    const undisturbed = await finish();
    expect(undisturbed.steps.filter(({ timestep }) => timestep === null)).toHaveLength(8);

    homes.use(twin);
    const trainer = startTrainer();
    const { state, progress } = await untilRound(
      round.id,
      (found) => midway.training!(found) && found.progress.trainedSteps > 1,
      trainer,
    );
    expect(await trainer.end('SIGKILL')).toBe('SIGKILL');
    expect(state).toBe('training');
    expect(progress.trainedSteps).toBeLessThan(8);
    expect(await finish()).toEqual(undisturbed);
  },
);

it.skipIf(process.platform !== 'linux')('opens another engine when one dies', async () => {
  await homes.make();
  const round = await startRunFrom(await baseOn(pipeline.folder));
  const trainer = startTrainer();
  await untilRound(round.id, midway.sampling!, trainer);
  const { pid } = trainer.process;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  for (const child of children.trim().split(' ')) process.kill(Number(child), 'SIGKILL');
  await untilRound(round.id, ({ state }) => state === 'labeling', trainer);
  expect(trainer.output()).toContain('going on from the last checkpoint');
});
