/**
 * @file Versions held against each other by people: which of two images of one evaluation prompt
 * and seed is better, each drawn by another version. Nothing is trained on these answers.
 */
import { and, eq, or, type SQL, sql } from 'drizzle-orm';
import { alias } from '../dialect';
import { derivedId } from '../ids';
import { comparisons } from '../schema/comparisons';
import { pairs, samples } from '../schema/labels';

/** The two images of a pair. */
export const first = alias(samples, 'first_sample');
export const second = alias(samples, 'second_sample');

/** Ids of two policies. */
export type Versions = readonly [string, string];

/** Literals, so that partial indexes serve. */
export const isComparison = sql`${pairs.purpose} = 'evaluation'`;
export const isOpen = sql`${pairs.state} = 'open'`;

/** In statements that join both images of a pair. */
export function isBetween([one, other]: Versions): SQL | undefined {
  return or(
    and(eq(first.policyId, one), eq(second.policyId, other)),
    and(eq(first.policyId, other), eq(second.policyId, one)),
  );
}

/** Whoever asks names them in either order; a comparison has one. */
export function ordered([one, other]: Versions): Versions {
  return one < other ? [one, other] : [other, one];
}

/** The comparison of these two. */
export function isOf(versions: Versions): SQL {
  return eq(comparisons.id, derivedId('comparison', ...ordered(versions)));
}
