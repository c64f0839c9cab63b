/**
 * @file UNet evaluations: how many passes of the policy's UNet a piece of work takes, one pass
 * being one latent under one text. Guided denoising makes two of each. A vector-Jacobian product
 * runs forward again and then back. Counted where sessions run, and foretold from a method's plan;
 * the frozen UNet inside a learned reward is part of the reward.
 */
import { emptyInput } from '@/trainer/diffusion/denoise/inputs';
import type { RewardGradientMethod, RolloutPlan } from '@/trainer/methods/rollouts/plan';
import type { Engine, Feeds } from '@/trainer/runtime/engine';

export interface Passes {
  forward: number;
  backward: number;
}

/** Both kinds together: what reports call UNet evaluations. */
export const evaluations = ({ forward, backward }: Passes): number => forward + backward;

export const noPasses: Passes = { forward: 0, backward: 0 };

export function addPasses(...all: readonly Passes[]): Passes {
  return all.reduce(
    (sum, { forward, backward }) => ({
      forward: sum.forward + forward,
      backward: sum.backward + backward,
    }),
    noPasses,
  );
}

export function timesPasses({ forward, backward }: Passes, factor: number): Passes {
  return { forward: factor * forward, backward: factor * backward };
}

/** What is between two readings of a count. */
export function passesSince(now: Passes, then: Passes): Passes {
  return addPasses(now, timesPasses(then, -1));
}

/** Sessions that differentiate by the weights carry these names; all others only run forward. */
const differentiates = /(product|step)$/;

/** Whether a run denoises away from the empty prompt, too. */
const isGuided = (feeds: Feeds) =>
  Object.keys(feeds).some((name) => name.startsWith(emptyInput('')));

/**
 * The passes of one run of a session: 0 where it takes no latents at a timestep, and so is no
 * policy's UNet.
 */
export function passesOf(name: string, feeds: Feeds): Passes {
  const { latents, timestep } = feeds;
  if (!timestep || !latents || 'slot' in latents) return noPasses;
  const images = latents.dims[0]! * (isGuided(feeds) ? 2 : 1);
  return { forward: images, backward: differentiates.test(name) ? images : 0 };
}

/**
 * Counts the passes of all sessions that this engine loads from now on. @returns the count so far
 */
export function countPasses(engine: Engine): () => Passes {
  let total = noPasses;
  const load = engine.load.bind(engine);
  engine.load = async (model, options) => {
    const session = await load(model, options);
    const run = session.run.bind(session);
    session.run = (feeds, runOptions) => {
      total = addPasses(total, passesOf(session.name, feeds));
      return run(feeds, runOptions);
    };
    return session;
  };
  return () => total;
}

/** Passes of each latent at each step: two where it is guided. */
const perStep = (guidance: number) => (guidance === 1 ? 1 : 2);

/** Drawing so many images. */
export function drawingPasses(images: number, steps: number, guidance: number): Passes {
  return { forward: images * steps * perStep(guidance), backward: 0 };
}

/** One batch of rollouts of a reward-gradient method, by the plan it drew. */
export function rolloutPasses(
  { kl, renoised = 0 }: Pick<RewardGradientMethod, 'kl' | 'renoised'>,
  { executed, trained }: Pick<RolloutPlan, 'executed' | 'trained'>,
  images: number,
  guidance: number,
): Passes {
  const products = trained.length + renoised;
  const penalties = kl && kl.coefficient !== 0 ? products : 0;
  const each = images * perStep(guidance);
  return {
    forward: each * (executed + renoised + products + penalties),
    backward: each * products,
  };
}

/**
 * A draw of DDPO and the updates taken on it: every image is weighed at every step that may be
 * trained on.
 */
export function policyGradientPasses(
  images: number,
  steps: number,
  trainedSteps: number,
  guidance: number,
): Passes {
  const drawn = drawingPasses(images, steps, guidance);
  const weighed = images * trainedSteps * perStep(guidance);
  return addPasses(drawn, { forward: weighed, backward: weighed });
}

/**
 * D3PO over pairs: every image at every trained step, forward and back; its reference's outputs are
 * stored.
 */
export function preferencePasses(pairs: number, trainedSteps: number, guidance: number): Passes {
  const weighed = 2 * pairs * trainedSteps * perStep(guidance);
  return { forward: weighed, backward: weighed };
}
