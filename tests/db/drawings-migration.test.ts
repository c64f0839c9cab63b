import { expect, it } from 'vitest';
import { openDatabase } from '@/db/client';
import { migrateDatabase } from '@/db/migrate';
import { annealingOf, drawingKey } from '@/lib/drawings';
import type { Method } from '@/lib/methods';
import { parseRunConfig } from '@/lib/settings/run-config';
import { withOlderHome } from './older-home';

const home = withOlderHome(/How images were drawn is named/);

const prompts = { prompts: ['p'], evaluationPrompts: ['p'] };
const rounds: Record<string, { method: Method; config: ReturnType<typeof parseRunConfig> }> = {
  noisy: { method: 'd3po', config: parseRunConfig({ ...prompts, sampling: { eta: 0.7 } }) },
  still: { method: 'kto', config: parseRunConfig({ ...prompts, sampling: { eta: 0 } }) },
  annealed: {
    method: 'draft-plus',
    config: parseRunConfig({ ...prompts, inference: { annealing: 'step', threshold: 0.2 } }),
  },
};

it('a migration names how stored images and evaluations were drawn', async () => {
  const path = home.fill((client) => {
    const run = (sql: string, ...values: unknown[]) => client.prepare(sql).run(...values);
    const policy = (id: string, parent: string | null) =>
      run(
        "insert into policies (id, name, parent_id, pipeline, hash, manifest, created_at) values (?, '', ?, 'p', ?, '{}', 0)",
        id,
        parent,
        id,
      );
    const sample = (id: string, of: string, round: string | null, purpose: string, at: number) =>
      run(
        "insert into samples (id, policy_id, round_id, prompt, seed, noise_seed, image_blob, width, height, purpose, created_at) values (?, ?, ?, '', 0, 0, '', 1, 1, ?, ?)",
        ...[id, of, round, purpose, at],
      );
    policy('base', null);
    let at = 0;
    for (const [id, { method, config }] of Object.entries(rounds)) {
      const json = JSON.stringify(config);
      run(
        "insert into runs (id, name, mode, method, pipeline, config, status, created_at) values (?, '', 'single', ?, 'p', ?, 'done', 0)",
        ...[id, method, json],
      );
      run(
        "insert into rounds (id, run_id, ordinal, state, start_policy_id, config, progress, created_at, started_at) values (?, ?, 1, 'done', 'base', ?, '{}', 0, 0)",
        ...[id, id, json],
      );
      policy(`of ${id}`, 'base');
      at += 10;
      sample(`${id} trained on`, 'base', id, 'training', at);
      sample(`${id} before`, 'base', null, 'evaluation', at + 1);
      sample(`${id} after`, `of ${id}`, id, 'evaluation', at + 2);
      for (const [of, side] of [
        ['base', 'before'],
        [`of ${id}`, 'after'],
      ] as const) {
        run(
          "insert into evaluations (id, round_id, policy_id, summary, created_at) values (?, ?, ?, '{}', ?)",
          ...[`${id} ${side}`, id, of, at + 3],
        );
      }
    }
  });

  await migrateDatabase(path);

  const now = openDatabase(path);
  const drawingsIn = (table: string) =>
    Object.fromEntries(
      now.$client.prepare(`select id, drawing from ${table}`).raw().all() as [string, string][],
    );
  const wanted = Object.entries(rounds).map(([id, { method, config }]) => ({
    id,
    plain: drawingKey(config),
    after: drawingKey(config, annealingOf(method, config)),
  }));
  expect(new Set(wanted.map(({ after }) => after)).size).toBe(3);
  expect(drawingsIn('evaluations')).toEqual(
    Object.fromEntries(
      wanted.flatMap(({ id, plain, after }) => [
        [`${id} before`, plain],
        [`${id} after`, after],
      ]),
    ),
  );
  expect(drawingsIn('samples')).toEqual(
    Object.fromEntries(
      wanted.flatMap(({ id, plain, after }) => [
        [`${id} trained on`, plain],
        [`${id} before`, plain],
        [`${id} after`, after],
      ]),
    ),
  );
  now.$client.close();
});
