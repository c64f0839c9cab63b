/** @file An import while it comes in: its row, and the accounts of those who answered. */
import { and, eq, isNull, sql } from 'drizzle-orm';
import type { ImportFormat } from '@/lib/exchange/import-formats';
import { amendAudit, recordAudit } from '../audit';
import { db } from '../client';
import { recordEvent } from '../events';
import { derivedId } from '../ids';
import { placeholderEmail } from '../people/users';
import type { Policy } from '../policies/policies';
import { type Import, imports } from '../schema/imports';
import { user } from '../schema/people';
import { change, immediate, one, read, type Steps, type Transaction } from '../transaction';

/** What answers come in from. */
export interface ImportSource {
  file: string;
  sha256: string;
  format: ImportFormat;
}

/** What of a file can be imported, known or not. */
interface Holds {
  answers: number;
  people: number;
}

/** Where fresh answers are stored. */
export interface Place {
  importId: string;
  base: Policy;
  now: number;
}

/**
 * Brings items of a file in, a few in a transaction, and counts them. What is stored already is
 * left as it is: an import that was stopped may be begun again. @param fresh what of some items is
 * not stored; @param store stores that
 */
export async function bringIn<Item, Fresh>(input: {
  base: Policy;
  source: ImportSource;
  holds: Holds;
  items: readonly Item[];
  atOnce: number;
  putImages: (items: readonly Item[]) => Promise<void>;
  fresh: (tx: Transaction, items: readonly Item[]) => Steps<Fresh[]>;
  store: (
    tx: Transaction,
    fresh: readonly Fresh[],
    place: Place,
  ) => Steps<{ answers: number; images: number }>;
}): Promise<{ added: number; known: number }> {
  const { base, source, holds, items, atOnce, putImages, fresh, store } = input;
  const now = Date.now();
  let added = 0;
  let entry: number | undefined;
  for (let first = 0; first < items.length; first += atOnce) {
    const portion = items.slice(first, first + atOnce);
    // Of known answers, too: an image that was lost or damaged is healed.
    await putImages(portion);
    if ((await read(fresh(db(), portion))).length === 0) continue;
    await immediate(function* (tx) {
      const importId = yield* begin(tx, base, source, holds, now);
      const stored = yield* store(tx, yield* fresh(tx, portion), { importId, base, now });
      added += stored.answers;
      yield* count(tx, importId, stored);
      const { file, sha256 } = source;
      const detail = { file, sha256, answers: added };
      if (entry === undefined) {
        const action = 'answers.import';
        entry = yield* recordAudit(tx, { actorId: null, action, subject: importId, detail });
      } else yield* amendAudit(tx, entry, detail);
    });
  }
  await immediate(function* (tx) {
    const ended = yield* one(
      tx
        .update(imports)
        .set({ finishedAt: Date.now() })
        .where(and(fromFile(base, source), isNull(imports.finishedAt)))
        .returning(),
    );
    if (ended) yield* announce(tx, ended);
  });
  return { added, known: holds.answers - added };
}

function fromFile({ pipeline }: Policy, { sha256 }: ImportSource) {
  return and(eq(imports.pipeline, pipeline), eq(imports.sha256, sha256));
}

/** The import of a file, made on first need: a file of which all is known makes none. */
function* begin(
  tx: Transaction,
  base: Policy,
  source: ImportSource,
  holds: Holds,
  now: number,
): Steps<string> {
  const { file, sha256, format } = source;
  const { pipeline, id: policyId } = base;
  const said = { source: file, format, offered: holds.answers, people: holds.people };
  const open = { ...said, finishedAt: null };
  const of = fromFile(base, source);
  const known = yield* one(tx.update(imports).set(open).where(of).returning({ id: imports.id }));
  if (known) return known.id;
  const id = derivedId('import', pipeline, sha256);
  yield* change(
    tx.insert(imports).values({ ...open, id, pipeline, policyId, sha256, createdAt: now }),
  );
  return id;
}

function* count(
  tx: Transaction,
  importId: string,
  { answers, images }: { answers: number; images: number },
): Steps<void> {
  const counted = yield* one(
    tx
      .update(imports)
      .set({
        answers: sql`${imports.answers} + ${answers}`,
        images: sql`${imports.images} + ${images}`,
      })
      .where(eq(imports.id, importId))
      .returning(),
  );
  yield* announce(tx, counted!);
}

function* announce(tx: Transaction, { id, answers, finishedAt }: Import): Steps<void> {
  const payload = { importId: id, answers, finished: finishedAt !== null };
  yield* recordEvent(tx, { kind: 'import', payload, roundId: null });
}

/** Accounts of those who answered elsewhere. @param userId what their file calls them */
export function* storePeople(
  tx: Transaction,
  people: readonly { id: string; userId: string | null }[],
  now: number,
): Steps<void> {
  const joined = new Date(now);
  const rows = people.map(({ id, userId }) => ({
    id,
    name: userId === null ? 'Imported' : `Imported ${shortened(userId)}`,
    email: placeholderEmail(),
    imported: true,
    role: 'annotator' as const,
    createdAt: joined,
    updatedAt: joined,
  }));
  yield* change(tx.insert(user).values(rows).onConflictDoNothing());
}

/**
 * Hashes and UUIDs say who somebody is by their beginning; what a person would read is left whole.
 */
function shortened(userId: string): string {
  return userId.length > 24 ? userId.slice(0, 8) : userId;
}
