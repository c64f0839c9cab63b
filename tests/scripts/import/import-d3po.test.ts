import { mkdir, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { trainingPairsOf } from '@/db/answers/training-data';
import { sha256 } from '@/db/blobs/store';
import { db, schema } from '@/db/client';
import { startRun } from '@/db/rounds/runs';
import { exportTo } from '@/scripts/export/export-to';
import { importD3po } from '@/scripts/import/import-d3po';
import { toldD3po } from '@/scripts/import/report';
import { png, withFolder } from './support';

const { path, save } = withFolder();

/** Three groups of three images, as sample.py names them; two people, of whom one stopped early. */
async function d3po(): Promise<void> {
  await mkdir(path('images'));
  await mkdir(path('scores'));
  for (let i = 0; i < 9; i++) await save(`images/0000${i}.png`, png(10 * i));
  await save(
    'images/00001.png',
    await sharp(png(10, 80, 64))
      .png()
      .toBuffer(),
  );
  await save('prompt.json', JSON.stringify(['1 hand', '2 hands', '3 hands']));
  await save('scores/ann.json', '[[1, 0, 1], [0, 0, 0], [3, 1, 2]]');
  await save('scores/bob.json', '[[1, 1, 0], [0, 1, 1]]');
}

const tables = () =>
  [schema.groups, schema.taggings, schema.samples, schema.user].map((table) =>
    db().select().from(table).all(),
  );

it('D3PO’s own label files come in as tagged groups, each reading once', async () => {
  await d3po();
  const report = await importD3po(path('.'), path('scores'), 'hands');
  expect(report).toMatchObject({
    problems: [],
    added: 4,
    known: 0,
    groups: 3,
    people: 2,
    alike: 1,
    graded: 1,
    images: 9,
    altered: 1,
  });
  const told = toldD3po(report).map(([, name, text]) => `${name}: ${text}`);
  expect(told[0]).toBe('imported: 4 taggings of 3 groups by 2 people; 0 were known already');
  expect(told.join('\n')).toContain('1 reading has more than two scores: images below their mean');
  const blobs = new Map(
    db()
      .select()
      .from(schema.samples)
      .all()
      .map((sample) => [sample.id, sample.imageBlob]),
  );
  const tagged = db()
    .select()
    .from(schema.taggings)
    .all()
    .map((one) => one.taggedSampleIds.map((id) => blobs.get(id)).sort());
  const hash = (i: number) => sha256(png(10 * i));
  expect(tagged).toHaveLength(4);
  // Of the first group ann tagged the image that was cropped, bob the third.
  for (const bad of [[hash(2)], [hash(3)], [hash(7)]]) expect(tagged).toContainEqual(bad);
  const stored = tables();
  expect(await importD3po(path('.'), path('scores'), 'hands')).toMatchObject({
    added: 0,
    known: 4,
  });
  expect(tables()).toEqual(stored);

  const { round } = await startRun({
    name: 'on imports',
    mode: 'single',
    method: 'diffusion-dpo',
    pipeline: 'hands',
    config: { prompts: ['1 hand'], evaluationPrompts: ['1 hand'] },
    createdBy: null,
  });
  const frozen = await trainingPairsOf(round.id);
  const wins = frozen.map(({ winner, loser }) => [winner.imageBlob, loser.imageBlob]);
  expect(wins).toContainEqual([hash(6), hash(7)]);
  expect(wins).toContainEqual([hash(8), hash(7)]);
  expect(wins).toContainEqual([hash(4), hash(3)]);
  await exportTo(path('out'), { format: 'rankings' });

  await save('scores/bob.json', '[[0, 1, 1]]');
  const { problems } = await importD3po(path('.'), path('scores'), 'hands');
  expect(problems).toMatchObject([
    { line: 1, reason: 'contradiction', message: /^bob has tagged these images otherwise/ },
  ]);
});

it('what is wrong is named, and nothing of it comes in', async () => {
  await d3po();
  const refused = (folder = path('scores')) => importD3po(path('.'), folder, 'hands');
  const scores = (text: string) => writeFile(path('scores/bob.json'), text);
  await expect(refused(path('images'))).rejects.toThrow(/images has no file of JSON/);
  await scores('{"a": 1}');
  await expect(refused()).rejects.toThrow(/bob\.json does not hold a list of groups/);
  await scores('[[1, 0, 1], [1, "bad", 0]]');
  await expect(refused()).rejects.toThrow(/bob\.json does not hold .+\(at 1\.1: /);
  await scores('[[1, 0]]');
  await expect(refused()).rejects.toThrow(/bob\.json has 2 scores for group 1, and others have 3/);
  await scores('[[1, 0, 1], [1, 0, 1], [1, 0, 1], [1, 0, 1]]');
  await expect(refused()).rejects.toThrow(/bob\.json has 4 groups, and prompt\.json 3 prompts/);
  await scores('[[1, 0, 1]]');
  await save('images/00007.png', 'no picture');
  const { problems, added } = await refused();
  expect([added, problems]).toMatchObject([0, [{ line: 3, reason: 'image-unreadable' }]]);
  expect(tables().flat()).toEqual([]);
  const rest = await importD3po(path('.'), path('scores'), 'hands', { skipBad: true });
  expect(rest).toMatchObject({ added: 2, groups: 1 });
  await save('prompt.json', '[]');
  await expect(refused()).rejects.toThrow(/prompt\.json does not hold a list of prompts/);
});
