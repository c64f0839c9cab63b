/** @file What drawing an image takes. */
import { Sampler } from '@/trainer/diffusion/sampling/sampler';
import { type Bench, fewStepSettings, fewSteps, originOf, type Taken, timed } from './bench';

/** Also says what one step takes. */
export async function measureDrawing(bench: Bench): Promise<Taken & { stepSeconds: number }> {
  const { engine, pipeline, emptyContext, config } = bench;
  const settings = fewStepSettings(bench);
  const sampler = await Sampler.open(engine, pipeline, { images: 1, settings });
  const origin = originOf(bench);
  const start = { ...origin, empty: emptyContext };
  const warm = await sampler.rollout(start);
  await sampler.decode(warm.states.at(-1)!);
  const [rolled, { states }] = await timed(() => sampler.rollout(start));
  const [decoded] = await timed(() => sampler.decode(states.at(-1)!));
  const stepSeconds = rolled / fewSteps;
  const { inferenceSteps } = config.sampling;
  return {
    of: `an image of ${inferenceSteps} steps`,
    seconds: inferenceSteps * stepSeconds + decoded,
    stepSeconds,
  };
}
