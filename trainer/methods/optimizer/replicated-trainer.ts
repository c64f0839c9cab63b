/**
 * @file What every trainer gives alike, whatever it trains on: its state, put and read, and its
 * last gradient.
 */
import type { Adapter } from '@/trainer/diffusion/adapters/lora';
import type { TrainState } from './optimizer';
import type { Replicas } from './replicas';

export abstract class ReplicatedTrainer {
  protected constructor(protected readonly replicas: Replicas) {}

  /** Puts weights and moments where training goes on from. */
  load(state: TrainState): Promise<void> {
    return this.replicas.load(state);
  }

  /** Weights and moments as they are now. */
  state(): Promise<TrainState> {
    return this.replicas.state();
  }

  /** The gradient of the last optimizer step, before clipping. */
  gradient(): Promise<Adapter> {
    return this.replicas.gradient();
  }
}
