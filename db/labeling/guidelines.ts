import { desc, eq, sql } from 'drizzle-orm';
import { recordAudit } from '../audit';
import { db } from '../client';
import { prepared } from '../prepared';
import { consents, guidelines } from '../schema/people';
import { change, immediate, one, read } from '../transaction';

export type Guidelines = typeof guidelines.$inferSelect;

/** The version in force, or null before the first. */
export async function latestGuidelines(): Promise<Guidelines | null> {
  return newest().get() ?? null;
}

const newest = prepared((database) =>
  database.select().from(guidelines).orderBy(desc(guidelines.version)).limit(1).prepare(),
);

/** A version, also one that is no longer in force; null where there never was one. */
export async function guidelinesAt(version: number): Promise<Guidelines | null> {
  const stated = db().select().from(guidelines).where(eq(guidelines.version, version));
  return (await read(one(stated))) ?? null;
}

/** Adds the next version; annotators are asked to accept it. `createdBy` null: Darkroom itself. */
export async function publishGuidelines(input: {
  markdown: string;
  createdBy: string | null;
}): Promise<Guidelines> {
  return immediate(function* (tx) {
    const latest = yield* one(
      tx
        .select({ version: guidelines.version })
        .from(guidelines)
        .orderBy(desc(guidelines.version))
        .limit(1),
    );
    const row = { ...input, version: (latest?.version ?? 0) + 1, createdAt: Date.now() };
    yield* change(tx.insert(guidelines).values(row));
    yield* recordAudit(tx, {
      actorId: input.createdBy,
      action: 'guidelines.publish',
      subject: String(row.version),
    });
    return row;
  });
}

/** Stores the first version unless there is one already. */
export async function ensureGuidelines(markdown: string): Promise<Guidelines> {
  return (await latestGuidelines()) ?? publishGuidelines({ markdown, createdBy: null });
}

export type ConsentKind = (typeof consents.$inferSelect)['kind'];

/** Records that a person accepted a version; again does nothing. */
export async function recordConsent(input: {
  userId: string;
  kind: ConsentKind;
  version: number;
}): Promise<void> {
  await immediate((tx) =>
    change(
      tx
        .insert(consents)
        .values({ ...input, acceptedAt: Date.now() })
        .onConflictDoNothing(),
    ),
  );
}

const consentsBy = prepared((database) =>
  database
    .select()
    .from(consents)
    .where(eq(consents.userId, sql.placeholder('userId')))
    .prepare(),
);

/** The latest version a person accepted of each kind; null: never. */
export async function consentsOf(userId: string): Promise<Record<ConsentKind, number | null>> {
  const rows = consentsBy().all({ userId });
  const latest = (kind: ConsentKind) => {
    const versions = rows.filter((row) => row.kind === kind).map((row) => row.version);
    return versions.length === 0 ? null : Math.max(...versions);
  };
  return { terms: latest('terms'), nsfw: latest('nsfw') };
}
