/** @file Peak memory against K, the steps differentiated, for DRaFT-K and DRTune. */
import { draft } from '@/trainer/methods/draft';
import { drTune } from '@/trainer/methods/drtune';
import { symmetry } from '@/trainer/rewards/analytic';
import type { Bench } from '../bench';
import { atDesk, type Effort } from '../desk';
import { openRollouts } from '../training/follow';

export interface MemoryUnit {
  method: string;
  k: number;
  effort: Effort;
}

/**
 * One step of each method at each K, each in an engine of its own: the engine's peak is the step's.
 */
export async function measureMemory(bench: Bench): Promise<MemoryUnit[]> {
  const { store, sizes, log } = bench;
  const found: MemoryUnit[] = [];
  const { learningRate } = sizes.rewards;
  for (const k of sizes.rewards.memory) {
    const methods = {
      'DRaFT-K': draft({ truncation: k }),
      DRTune: drTune({ trainedSteps: k, earlyStop: 1 }),
    };
    for (const [name, method] of Object.entries(methods)) {
      const unit = await store.unit(`memory-${name}-${k}`, async () => {
        const { effort } = await atDesk(bench, async (desk) => {
          const plan = { images: memoryImages, learningRate };
          const stepper = await openRollouts(desk, method, symmetry, plan, ['memory']);
          await stepper.step(0);
        });
        return { method: name, k, effort };
      });
      found.push(unit);
      log(`rewards: memory of ${name}, K ${k}: ${mebibytes(unit.effort).toFixed(0)} MiB`);
    }
  }
  return found;
}

/** Images of the one step. */
export const memoryImages = 16;
export const mebibytes = ({ peakBytes }: Effort) => peakBytes / 2 ** 20;
