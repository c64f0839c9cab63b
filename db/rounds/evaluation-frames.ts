import { and, asc, countDistinct, desc, eq, inArray, isNull, or } from 'drizzle-orm';
import { db } from '../client';
import { drawnBy } from '../policies/drawings';
import { type Sample, samples } from '../schema/labels';

/** One fixed prompt and seed as several policies drew it; null where a policy has not. */
export interface EvaluationFrame {
  prompt: string;
  seed: number;
  /** In the order of the policies asked for. */
  samples: (Sample | null)[];
}

/**
 * The same evaluation prompts and seeds across policies: those that most of them have drawn come
 * first, then in the order of their seeds, so that different prompts follow each other.
 */
export async function evaluationFrames({
  policyIds,
  limit,
  offset = 0,
  drawing,
}: {
  policyIds: readonly string[];
  limit: number;
  offset?: number;
  /** How they were drawn, a key: a policy may have drawn a prompt and seed several times. */
  drawing?: string;
}): Promise<EvaluationFrame[]> {
  if (policyIds.length === 0) return [];
  const drawn = and(
    eq(samples.purpose, 'evaluation'),
    inArray(samples.policyId, [...policyIds]),
    drawing === undefined ? undefined : or(isNull(samples.drawing), drawnBy(drawing)),
  );
  const keys = db()
    .select({ prompt: samples.prompt, seed: samples.seed })
    .from(samples)
    .where(drawn)
    .groupBy(samples.prompt, samples.seed)
    .orderBy(desc(countDistinct(samples.policyId)), asc(samples.seed), asc(samples.prompt))
    .limit(limit)
    .offset(offset)
    .all();
  const rows = db()
    .select()
    .from(samples)
    .where(
      and(
        drawn,
        inArray(
          samples.seed,
          keys.map(({ seed }) => seed),
        ),
      ),
    )
    .all();
  const byKey = new Map(rows.map((row) => [keyOf(row.policyId, row), row]));
  return keys.map((key) => ({
    ...key,
    samples: policyIds.map((policyId) => byKey.get(keyOf(policyId, key)) ?? null),
  }));
}

function keyOf(policyId: string, { prompt, seed }: { prompt: string; seed: number }): string {
  return `${policyId}|${seed}|${prompt}`;
}
