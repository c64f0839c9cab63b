/** Tiny pipelines of every family with numbers that PyTorch gave: one copy for all tests. */
import { fileURLToPath } from 'node:url';

export type FamilyPipeline =
  | 'tiny-sdxl'
  | 'tiny-sd3'
  | 'tiny-sana'
  | 'tiny-pixart'
  | 'tiny-pixart-sigma';

/** The folder that holds `pipeline/` and `parity/`; of PixArt-Σ what differs from PixArt-α. */
export function familyFolder(name: FamilyPipeline): string {
  return fileURLToPath(new URL(`../fixtures/families/${name}`, import.meta.url));
}
