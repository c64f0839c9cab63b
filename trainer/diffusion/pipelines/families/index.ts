/** @file What each family is to the trainer. */
import type { FamilyName } from '@/lib/families';
import type { PipelineLayout } from '../layouts';
import { pixart } from './pixart';
import { sana } from './sana';
import { stableDiffusion } from './stable-diffusion';
import { stableDiffusion3 } from './stable-diffusion-3';
import { stableDiffusionXl } from './stable-diffusion-xl';

export const layouts: Readonly<Record<FamilyName, PipelineLayout>> = {
  'Stable Diffusion': stableDiffusion,
  'Stable Diffusion XL': stableDiffusionXl,
  'Stable Diffusion 3': stableDiffusion3,
  Sana: sana,
  'PixArt Alpha': pixart,
  'PixArt Sigma': pixart,
};
