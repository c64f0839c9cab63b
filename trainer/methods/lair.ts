/**
 * @file Diffusion LAIR: a whole group of finished images at once, each to be denoised better or
 * worse than by the reference policy as far as its advantage in the group says.
 *
 *   s_i = −β·(m_θ(x_t) − m_ref(x_t))        a_i = softmax(r/τ)_i − 1/G
 *   L   = mean_i[ −a_i·s_i + s_i²/2 ]
 *
 * r_i is the share of its comparisons that image i of G won, m as in Diffusion-DPO, with t and ε
 * shared by the group, no guidance. Wang, Han, Ermon and Yue, "Beyond Pairwise Preferences:
 * Listwise Reward-Aware Alignment for Diffusion Models" (arXiv 2605.26491), written from its
 * abstract and descriptions; its own numbers for β and τ are not among them, so the defaults are
 * ours: β where the bound below is as far out as Diffusion-DPO's β of 5000 saturates.
 *
 * The loss is a parabola in s_i, so there is an end: s_i = a_i, an error a_i/β beside the
 * reference's, and what has gone further is pulled back. Pairwise losses go on for ever. A group's
 * advantages sum up to nothing, and a group of which nobody won more than another teaches nothing
 * but to stay at the reference. Winners share what is above average: in a group of seven with one
 * bad image each good one has a sixth of what the bad one loses.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { float32 } from '@/trainer/graph/tensor';
import { advantagesOf, type NoisedImagesMethod, weightsOf } from './noised-images/method';

export interface LairSettings {
  /** β, on the scale of mean squared errors of the noise. */
  beta: number;
  /** τ, on the scale of shares of comparisons won. */
  temperature: number;
}

/** a of each image of a group. @param grades r, each in [0, 1] */
export function lairAdvantages(grades: readonly number[], temperature: number): number[] {
  const most = Math.max(...grades);
  const raised = grades.map((grade) => Math.exp((grade - most) / temperature));
  const sum = raised.reduce((total, value) => total + value, 0);
  return raised.map((value) => value / sum - 1 / grades.length);
}

/**
 * Appends the loss, a scalar: the sum over images of weight × loss.
 * @param excess m_θ − m_ref of each image, [images] @param advantage a of each, [images]
 */
export function appendLairLoss(
  b: Builder,
  excess: Value,
  { advantage, weight }: { advantage: Value; weight: Value },
  { beta }: Pick<LairSettings, 'beta'>,
): Value {
  const implicit = b.scale(excess, -beta);
  const each = b.sub(b.scale(b.mul(implicit, implicit), 0.5), b.mul(advantage, implicit));
  return b.reduceSum(b.mul(each, weight), [0], false);
}

/** Diffusion LAIR for the trainer of noised images: examples are single images of groups. */
export function lair(settings: LairSettings): NoisedImagesMethod {
  return {
    imagesPerExample: 1,
    advantages: (grades) => lairAdvantages(grades, settings.temperature),
    append: (b, { excess }, images) =>
      appendLairLoss(
        b,
        excess,
        {
          advantage: b.input('advantage', 'float32', [images]),
          weight: b.input('weight', 'float32', [images]),
        },
        settings,
      ),
    feeds: (images, places) => ({
      advantage: float32([places], advantagesOf(images, places)),
      weight: float32([places], weightsOf(images, places)),
    }),
    read: ([excess], { advantage = 0 }) => {
      const implicit = -settings.beta * excess!;
      return { margin: advantage * implicit, loss: implicit ** 2 / 2 - advantage * implicit };
    },
  };
}
