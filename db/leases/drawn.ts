/**
 * @file Pairs and groups that a round drew here: only these are leased, answered and taken back.
 * What was imported belongs to no round, and is as it came.
 */
import { AppError } from '@/lib/errors';
import type { Group, Pair } from '../schema/labels';

type Drawn<Row> = Row & { roundId: string };
export type DrawnPair = Drawn<Pair>;
export type DrawnGroup = Drawn<Group>;

/** Throws 'conflict' for what was imported. */
export function drawn<Row extends { roundId: string | null }>(row: Row): Drawn<Row> {
  const { roundId } = row;
  if (roundId !== null) return { ...row, roundId };
  throw new AppError(
    'conflict',
    'This was answered elsewhere and imported: nobody answers it here, or takes an answer back.',
  );
}
