import type { Insert } from './bulk';
import type { Chance } from './chance';

/** What everything grows in. Times in ms. */
export interface Soil {
  insert: Insert;
  chance: Chance;
  /** When the last answer came. */
  now: number;
  startedAt: number;
  imageBlob(): string;
}
