import { expect, it } from 'vitest';
import { loadRunSteps, loadSteps } from '@/app/reads/rounds/load-steps';
import { recordTrainSteps } from '@/db/rounds/metrics';
import { cancelRound, listRounds } from '@/db/rounds/rounds';
import { resumeRun } from '@/db/rounds/runs';
import { makeRun, withTemporaryHome } from '@/tests/db/support';

withTemporaryHome();

it('the rounds of a run stand on one axis, each where the one before it has ended', async () => {
  const { run, round } = await makeRun({}, 'online');
  const losses = [0.7, 0.6, 0.5];
  const steps = losses.map((loss, step) => ({ step, timestep: null, metrics: { loss } }));
  await recordTrainSteps(round.id, steps);
  await cancelRound(round.id, null);
  await resumeRun(run.id, null);
  const second = (await listRounds({ runId: run.id })).find(({ ordinal }) => ordinal === 2)!;
  await recordTrainSteps(second.id, steps.slice(0, 2));

  expect((await loadSteps(second.id)).steps.map(({ step }) => step)).toEqual([0, 1]);
  const ofRun = await loadRunSteps(second.id);
  expect(ofRun.starts).toEqual([
    { ordinal: 1, x: 0 },
    { ordinal: 2, x: 3 },
  ]);
  expect(ofRun.steps.map(({ step, metrics }) => [step, metrics.loss])).toEqual([
    [0, 0.7],
    [1, 0.6],
    [2, 0.5],
    [3, 0.7],
    [4, 0.6],
  ]);
  expect((await loadRunSteps(round.id)).starts).toEqual([{ ordinal: 1, x: 0 }]);
});
