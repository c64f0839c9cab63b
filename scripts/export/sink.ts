import type { PickAPicRow } from '@/lib/exchange/pick-a-pic';
import type { ImagePlace } from './image-places';
import type { Mark, WorkFolder } from './work-folder';

export interface SinkInput {
  work: WorkFolder;
  /** Where an export that was killed goes on. */
  mark: Mark | null;
  /** For formats that leave the choice. */
  images: ImagePlace;
  /** At which size a file of several is full. */
  shardBytes: number;
}

/** What takes answers in one format. */
export interface Sink {
  /** Says where to go on after this one, where all up to it is on the disk; else null. */
  add(row: PickAPicRow): Promise<{ place: unknown } | null>;
  /** Writes the rest. Returns the names of all files that are to be moved to their places. */
  end(): Promise<string[]>;
  /** Lets go of what is open, after an error. */
  abandon(): Promise<void>;
}
