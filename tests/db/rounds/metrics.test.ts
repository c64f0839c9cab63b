import { expect, it } from 'vitest';
import { eventsAfter, latestEventId } from '@/db/events';
import {
  evaluationsOf,
  recordEvaluation,
  recordTrainSteps,
  trainStepsOf,
} from '@/db/rounds/metrics';
import { appendEvent } from '../../support/events';
import { makeRun, withTemporaryHome } from '../support';

withTemporaryHome();

const metrics = (loss: number) => ({
  loss,
  implicitAccuracy: 0.5,
  logRatioWinner: 0,
  logRatioLoser: 0,
  clipFraction: 0,
  kl: 0,
});

const step = (number: number, loss: number, timestep: number | null = null) => ({
  step: number,
  timestep,
  metrics: metrics(loss),
});

it('a resumed trainer overwrites the steps it repeats, and the curve has each once', async () => {
  const { round } = await makeRun();
  await recordTrainSteps(round.id, [step(1, 0.7), step(1, 0.71, 951), step(2, 0.6)]);
  await recordTrainSteps(round.id, [step(3, 0.5)]);
  await recordTrainSteps(round.id, [step(2, 0.61), step(3, 0.51)]);
  const curve = await trainStepsOf(round.id);
  expect(curve.map((row) => [row.step, row.metrics.loss])).toEqual([
    [1, 0.7],
    [2, 0.61],
    [3, 0.51],
  ]);
  expect(await trainStepsOf(round.id, { perTimestep: true })).toHaveLength(4);
});

it('refuses a loss that is not a number, and logs nothing of it', async () => {
  const { round } = await makeRun();
  await expect(recordTrainSteps(round.id, [step(1, 0.7), step(2, Number.NaN)])).rejects.toThrow();
  expect(await trainStepsOf(round.id)).toEqual([]);
});

it('measuring a policy again in its round replaces the evaluation', async () => {
  const { round, base } = await makeRun();
  const summary = {
    images: 10,
    deformed: { count: 3, n: 10 },
    blood: { count: 2, n: 10 },
    alignment: 0.5,
    winRate: null,
    diversity: 0.3,
  };
  const evaluation = { roundId: round.id, policyId: base.id, comparedToPolicyId: null, summary };
  await recordEvaluation(evaluation);
  await recordEvaluation({ ...evaluation, summary: { ...summary, images: 20 } });
  expect(await evaluationsOf({ roundId: round.id })).toMatchObject([{ summary: { images: 20 } }]);
});

it('events go on from any id, of one round or of all, until they are pruned', async () => {
  const { round } = await makeRun();
  const start = await latestEventId();
  const payload = { workerId: 'w', alive: true, message: 'hello' };
  const first = await appendEvent({ kind: 'worker', payload, roundId: null });
  await recordTrainSteps(round.id, [step(1, 0.7)]);
  expect(first).toBeGreaterThan(start);
  expect((await eventsAfter(start)).map((event) => event.kind)).toEqual(['worker', 'train-step']);
  expect(await eventsAfter(first, { roundId: round.id })).toMatchObject([
    { kind: 'train-step', roundId: round.id, payload: { step: 1, timestep: null } },
  ]);
  expect(await eventsAfter(start, { limit: 1 })).toHaveLength(1);
  const next = await appendEvent({ kind: 'worker', payload, roundId: null });
  expect(next).toBeGreaterThan(first);
});
