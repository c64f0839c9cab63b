/**
 * @file Annealed importance guidance: at step i of T both policies look at one x, and ε = (1 −
 * w_i)·ε_base + w_i·ε_tuned. Early steps settle what an image shows, so they come from the base,
 * which is diverse; late ones from the tuned policy. NVIDIA/NeMo-Aligner
 * `examples/mm/stable_diffusion/anneal_sdxl.py` and `annealed_guidance` of its SDXL model.
 */

/** Numbers that a schedule does not name say nothing to it. */
export interface Annealing {
  schedule: 'base' | 'draft' | 'linear' | 'power' | 'step';
  /** Of power. */
  exponent: number;
  /** Of step: a share of the steps. */
  threshold: number;
}

const schedules: Record<Annealing['schedule'], (progress: number, of: Annealing) => number> = {
  base: () => 0,
  draft: () => 1,
  linear: (progress) => progress,
  power: (progress, { exponent }) => progress ** exponent,
  step: (progress, { threshold }) => Number(progress >= threshold),
};

/** w_i of step i = 0 … steps − 1, the noisiest first: how much of the tuned policy counts there. */
export function tunedWeights(annealing: Annealing, steps: number): number[] {
  return Array.from({ length: steps }, (_, i) =>
    schedules[annealing.schedule](i / steps, annealing),
  );
}
