/** A database in which what was imported was a finished round of a made-up run. */
import { dirname } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { readArchive } from '@/db/answers/archive';
import { closeDatabases, db, schema } from '@/db/client';
import { importedGroups, importedPairs } from '@/db/exchange/import-items';
import { importsPage } from '@/db/exchange/import-list';
import { materialOf } from '@/db/figures/material';
import { migrateDatabase } from '@/db/migrate';
import { listRuns } from '@/db/rounds/runs';
import { withOlderHome } from '../older-home';

const home = withOlderHome(/CREATE TABLE `imports`/);
const before = process.env.DARKROOM_HOME;

afterEach(() => {
  closeDatabases();
  if (before === undefined) delete process.env.DARKROOM_HOME;
  else process.env.DARKROOM_HOME = before;
});

const config = '{"prompts":["1 hand"],"evaluationPrompts":["1 hand"]}';

/** Two images of a round and their pair, with an answer of one person; ids begin with the round. */
const judged = (round: string, person: string) => `
  insert into samples (id, policy_id, round_id, prompt, seed, noise_seed, image_blob, width, height, purpose, created_at)
    values ('${round} a', 'p', '${round}', '1 hand', 0, 0, '${round} a', 8, 8, 'training', 1),
      ('${round} b', 'p', '${round}', '1 hand', 0, 0, '${round} b', 8, 8, 'training', 1);
  insert into pairs (id, round_id, prompt, sample_a_id, sample_b_id, shared_noise, purpose, target, state, created_at)
    values ('${round} pair', '${round}', '1 hand', '${round} a', '${round} b', 0, 'training', 1, 'complete', 1);
  insert into preferences (id, pair_id, annotator_id, lease_id, answer, left_sample_id, right_sample_id, policy_id, purpose,
      shown_at_ms, decided_at_ms, decision_ms, created_at)
    values ('${round} answer', '${round} pair', '${person}', 'l', 'left', '${round} a', '${round} b', 'p', 'training', 1, 1, 0, 1);`;

/** @param files in the list of the round that holds what was imported */
function fill(files: { file: string; sha256: string; answers: number }[]): string {
  return home.fill((client) => {
    client.exec(`
      insert into user (id, name, email, email_verified, role, created_at, updated_at)
        values ('ann', 'ann', 'ann@x', 0, 'annotator', 0, 0), ('bob', 'bob', 'bob@x', 0, 'annotator', 0, 0);
      insert into policies (id, name, pipeline, hash, manifest, created_at) values ('p', 'base', 'hands', 'h', '{}', 0);
      insert into runs (id, name, mode, method, pipeline, config, status, created_at)
        values ('own', 'own', 'single', 'd3po', 'hands', '${config}', 'active', 0),
          ('made up', 'Imported answers', 'single', 'diffusion-dpo', 'hands', '${config}', 'done', 0);
      insert into rounds (id, run_id, ordinal, state, start_policy_id, config, progress, manifest, created_at, started_at, finished_at)
        values ('drawn', 'own', 1, 'training', 'p', '${config}', '{}', '{"trainingData":{}}', 0, 0, null);`);
    client
      .prepare(
        `insert into rounds (id, run_id, ordinal, state, start_policy_id, config, progress, manifest, created_at, started_at, finished_at)
          values ('imported', 'made up', 1, 'done', 'p', '${config}', '{"sampled":3,"labeled":2}', ?, 5, 5, 5)`,
      )
      .run(JSON.stringify({ imports: files }));
    client.exec(`${judged('drawn', 'ann')} ${judged('imported', 'bob')}
      insert into groups (id, round_id, prompt, size, created_at) values ('group', 'imported', '1 hand', 1, 1), ('other', 'drawn', '1 hand', 1, 1);
      insert into samples (id, policy_id, round_id, group_id, prompt, seed, noise_seed, image_blob, width, height, purpose, created_at)
        values ('member', 'p', 'imported', 'group', '1 hand', 0, 0, 'm', 8, 8, 'training', 1);
      insert into taggings (id, group_id, annotator_id, tagged_sample_ids, created_at) values ('t', 'group', 'ann', '["member"]', 1);
      insert into events (round_id, kind, payload, created_at) values ('imported', 'round', '{}', 1), ('drawn', 'round', '{}', 1);`);
  });
}

it('makes an import of it, with all that was said, and leaves rounds as they were', async () => {
  const path = fill([{ file: 'picks.jsonl', sha256: 'abc', answers: 2 }]);
  await migrateDatabase(path);
  process.env.DARKROOM_HOME = dirname(path);
  const all = db();
  expect(all.$client.pragma('foreign_key_check')).toEqual([]);
  expect((await importsPage({ limit: 9 })).imports).toMatchObject([
    {
      ...{ id: 'imported', pipeline: 'hands', source: 'picks.jsonl', format: null },
      ...{ offered: 2, answers: 2, images: 3, people: 2, createdAt: 5, finishedAt: 5 },
      policy: { id: 'p' },
    },
  ]);
  expect(all.select().from(schema.imports).get()?.sha256).toBe('abc');
  expect((await listRuns()).map(({ id }) => id)).toEqual(['own']);
  const placed = (table: typeof schema.pairs | typeof schema.groups | typeof schema.samples) =>
    all
      .select({ id: table.id, roundId: table.roundId, importId: table.importId })
      .from(table)
      .all();
  for (const table of [schema.pairs, schema.groups, schema.samples]) {
    for (const { id, roundId, importId } of placed(table)) {
      const isImported = /^(imported|group|member)/.test(id);
      const from = isImported ? [null, 'imported'] : ['drawn', null];
      expect([id, roundId, importId]).toEqual([id, ...from]);
    }
  }
  const cameWith = [schema.preferences, schema.taggings].flatMap((table) =>
    all
      .select({ id: table.id, importId: table.importId })
      .from(table)
      .all()
      .map(({ id, importId }) => [id, importId]),
  );
  expect(cameWith.sort()).toEqual([
    ['drawn answer', null],
    ['imported answer', 'imported'],
    ['t', 'imported'],
  ]);
  const page = { importId: 'imported', after: '', limit: 9 };
  expect(await importedPairs(page)).toMatchObject([{ id: 'imported pair', people: 1 }]);
  expect(await importedGroups(page)).toMatchObject([{ images: [{ votes: 1 }] }]);
  expect(await readArchive('hands', 9e12)).toMatchObject({ standing: 3, rounds: 1, imports: 1 });
  expect((await materialOf('hands', 9e12)).picks).toMatchObject({ decided: 2, annotators: 2 });
  const about = all.select({ roundId: schema.events.roundId }).from(schema.events).all();
  expect(about).toEqual([{ roundId: 'drawn' }]);
  const wanting = () =>
    all.$client.exec("update pairs set import_id = 'imported' where id = 'drawn pair'");
  expect(wanting).toThrow(/pairs_from/);
});

it('names all files where several had come into one round', async () => {
  const path = fill([
    { file: 'picks.jsonl', sha256: 'abc', answers: 1 },
    { file: 'more.parquet', sha256: 'def', answers: 1 },
  ]);
  await migrateDatabase(path);
  process.env.DARKROOM_HOME = dirname(path);
  const imports = db().select().from(schema.imports).all();
  expect(imports).toMatchObject([{ source: 'picks.jsonl, more.parquet', sha256: null }]);
});
