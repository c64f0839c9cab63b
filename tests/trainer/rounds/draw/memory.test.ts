import { afterEach, expect, it, vi } from 'vitest';
import { listSamples } from '@/db/rounds/samples';
import { isFinished } from '@/lib/rounds';
import { baseOn, startRunFrom, untilRound, withTinyPipeline, withWorker } from '../support';

const pipeline = withTinyPipeline();
withWorker();
afterEach(() => vi.unstubAllEnvs());

it('draws nothing for a round whose training fits no way, and says what would', async () => {
  const base = await baseOn(pipeline.folder);
  vi.stubEnv('DARKROOM_MEMORY_GB', '0.01');
  const refused = await startRunFrom(base);
  const { state, error } = await untilRound(refused.id, (round) => isFinished(round.state));
  expect(state).toBe('failed');
  expect(error).toMatch(
    /^Training takes 0\.\d GB at the least.* Raise DARKROOM_MEMORY_GB to 0\.\d/,
  );
  expect(await listSamples({ roundId: refused.id })).toEqual([]);

  vi.stubEnv('DARKROOM_MEMORY_GB', '1');
  const round = await startRunFrom(base);
  await untilRound(round.id, ({ state }) => state === 'labeling');
});
