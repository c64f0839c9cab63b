/**
 * @file What pipelines say of themselves in the manifests of their base policies: what their judge
 * measures, which presets suit them.
 */
import { and, asc, eq, isNull } from 'drizzle-orm';
import { type DeclaredJudge, judgeSchema } from '@/lib/judges/judging';
import { type Presets, presetsSchema } from '@/lib/settings/presets';
import { db } from '../client';
import { jsonPart } from '../dialect';
import { policies } from '../schema/policies';
import { all, change, immediate, read, type Transaction } from '../transaction';
import { newestBaseIn } from './policies';

/**
 * Base policies, oldest first: of several of one pipeline, the newest that says something has the
 * word.
 */
function said(tx: Transaction, pipeline?: string) {
  return tx
    .select({
      pipeline: policies.pipeline,
      judge: jsonPart(policies.manifest, 'judge'),
      presets: jsonPart(policies.manifest, 'presets'),
    })
    .from(policies)
    .where(
      and(
        isNull(policies.parentId),
        pipeline === undefined ? undefined : eq(policies.pipeline, pipeline),
      ),
    )
    .orderBy(asc(policies.createdAt), asc(policies.id));
}

/** What judges measure, by pipeline; a pipeline that is not in it has no judge. */
export async function declaredJudges(): Promise<ReadonlyMap<string, DeclaredJudge>> {
  const bases = await read(all(said(db())));
  return new Map(
    bases.flatMap(({ pipeline, judge }) => {
      const { data } = judgeSchema.safeParse(judge);
      return data ? [[pipeline, data] as const] : [];
    }),
  );
}

/** What the judge of a pipeline measures; null where there is none. */
export async function declaredJudge(pipeline: string): Promise<DeclaredJudge | null> {
  return judgeIn(await read(all(said(db(), pipeline))));
}

/**
 * What the judge of a pipeline measures, and the presets of its own; undefined where it brings none
 * that can be read.
 */
export async function declaredBy(
  pipeline: string,
): Promise<{ judge: DeclaredJudge | null; presets: Presets | undefined }> {
  const bases = await read(all(said(db(), pipeline)));
  const { presets } = bases.findLast((base) => base.presets !== null) ?? {};
  return { judge: judgeIn(bases), presets: presetsSchema.safeParse(presets).data };
}

function judgeIn(bases: readonly { judge: unknown }[]): DeclaredJudge | null {
  const { judge } = bases.findLast((base) => base.judge !== null) ?? {};
  return judgeSchema.safeParse(judge).data ?? null;
}

/**
 * Lets a pipeline declare another judge, worked out from the one it has. Throws 'not-found' where
 * there is no such pipeline.
 */
export async function declareJudge(
  pipeline: string,
  toDeclare: (judge: DeclaredJudge | null) => DeclaredJudge,
): Promise<DeclaredJudge> {
  return immediate(function* (tx) {
    const base = yield* newestBaseIn(tx, pipeline);
    const judge = toDeclare(judgeIn(yield* all(said(tx, pipeline))));
    yield* change(
      tx
        .update(policies)
        .set({ manifest: { ...base.manifest, judge } })
        .where(eq(policies.id, base.id)),
    );
    return judge;
  });
}
