/** @file What each family is to the trainer. */
import type { FamilyName } from '@/lib/families';
import type { PipelineLayout } from '../layouts';
import { stableDiffusion } from './stable-diffusion';
import { stableDiffusionXl } from './stable-diffusion-xl';

export const layouts: Readonly<Record<FamilyName, PipelineLayout>> = {
  'Stable Diffusion': stableDiffusion,
  'Stable Diffusion XL': stableDiffusionXl,
};
