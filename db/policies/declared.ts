/** @file What pipelines say of themselves in the manifests of their base policies: what their judge measures, which presets suit them. */
import { and, asc, eq, isNull, sql } from 'drizzle-orm';
import { type DeclaredJudge, judgeSchema } from '@/lib/judging';
import { type Presets, presetsSchema } from '@/lib/settings/presets';
import { db } from '../client';
import { policies } from '../schema/policies';

/** One part of the manifests of base policies, oldest first; those that say nothing of it are left out. */
function saidBy(part: 'judge' | 'presets', pipeline?: string) {
  const said = sql<string | null>`${policies.manifest} -> ${part}`;
  return db()
    .select({ pipeline: policies.pipeline, said })
    .from(policies)
    .where(
      and(
        isNull(policies.parentId),
        sql`${said} is not null`,
        pipeline === undefined ? undefined : eq(policies.pipeline, pipeline),
      ),
    )
    .orderBy(asc(policies.createdAt), asc(policies.id))
    .all()
    .map((row) => ({ pipeline: row.pipeline, said: JSON.parse(row.said!) as unknown }));
}

/** What judges measure, by pipeline; a pipeline that is not in it has no judge. The newest base policy has the word. */
export async function declaredJudges(): Promise<ReadonlyMap<string, DeclaredJudge>> {
  return new Map(
    saidBy('judge').flatMap(({ pipeline, said }) => {
      const { data } = judgeSchema.safeParse(said);
      return data ? [[pipeline, data] as const] : [];
    }),
  );
}

/** What the judge of a pipeline measures; null where there is none. */
export async function declaredJudge(pipeline: string): Promise<DeclaredJudge | null> {
  return judgeSchema.safeParse(saidBy('judge', pipeline).at(-1)?.said).data ?? null;
}

/** The presets of a pipeline's own; undefined where it brings none that can be read. */
export async function declaredPresets(pipeline: string): Promise<Presets | undefined> {
  return presetsSchema.safeParse(saidBy('presets', pipeline).at(-1)?.said).data;
}
