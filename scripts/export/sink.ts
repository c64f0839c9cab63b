import type { ExportChoice } from '@/db/exchange/exports';
import type { ImagePlace } from './image-places';
import type { Mark, WorkFolder } from './work-folder';

export interface SinkInput {
  work: WorkFolder;
  /** What all of it is, from its beginning. */
  choice: ExportChoice;
  /** Where an export that was killed goes on. */
  mark: Mark | null;
  /** For formats that leave the choice. */
  images: ImagePlace;
  /** At which size a file of several is full. */
  shardBytes: number;
}

/** What takes rows in one format. */
export interface Sink<Row> {
  /** Says where to go on after this one, where all up to it is on the disk; else null. */
  add(row: Row): Promise<{ place: unknown } | null>;
  /** Writes the rest. Returns the names of all files that are to be moved to their places. */
  end(): Promise<string[]>;
  /** Lets go of what is open, after an error. */
  abandon(): Promise<void>;
}

/** An export under way in some format. */
export interface Writing {
  /** Row by row: what it is known by, and where to go on after it, if that can be said. */
  steps: AsyncGenerator<{ key: string; here: { place: unknown } | null }>;
  end(): Promise<string[]>;
  abandon(): Promise<void>;
}

/** Joins rows to what takes them. */
export function writing<Row>(
  rowsOf: (choice: ExportChoice) => AsyncGenerator<Row>,
  keyOf: (row: Row) => string,
  open: (input: SinkInput) => Promise<Sink<Row>>,
) {
  return async (input: SinkInput, choice: ExportChoice): Promise<Writing> => {
    const sink = await open(input);
    async function* steps() {
      for await (const row of rowsOf(choice)) yield { key: keyOf(row), here: await sink.add(row) };
    }
    return { steps: steps(), end: () => sink.end(), abandon: () => sink.abandon() };
  };
}
