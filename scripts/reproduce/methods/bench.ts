/** @file What all figures share: the policy, how large they are, and the store of finished work. */
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { Device } from '@/trainer/runtime/protocol';
import type { Sizes } from './sizes';
import type { Store } from './store';

export interface Bench {
  pipeline: Pipeline;
  device: Device;
  /** What a figure finished, and what several share. */
  store: Store;
  shared: Store;
  sizes: Sizes;
  seeds: readonly number[];
  log(line: string): void;
}
