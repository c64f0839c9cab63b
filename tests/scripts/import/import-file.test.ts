import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { trainingPairsOf } from '@/db/answers/training-data';
import { putBlob } from '@/db/blobs/blobs';
import { sha256 } from '@/db/blobs/store';
import { db, schema } from '@/db/client';
import { importedPairs } from '@/db/exchange/import-items';
import { importsPage } from '@/db/exchange/import-list';
import { defectRates } from '@/db/figures/review';
import { submitPreference } from '@/db/labeling/preferences';
import { leasePairs } from '@/db/leases/pair-leases';
import { ensureBasePolicy } from '@/db/policies/policies';
import { roundsPage } from '@/db/rounds/list';
import { listRuns, startRun } from '@/db/rounds/runs';
import { recordSamples } from '@/db/rounds/samples';
import { claimWork } from '@/db/work/queue';
import { finishSampling } from '@/db/work/results';
import type { PickAPicRow } from '@/lib/exchange/pick-a-pic';
import { exportTo } from '@/scripts/export/export-to';
import { importFile } from '@/scripts/import/import-file';
import { handsPolicy } from '@/trainer/hands/hands-policy';
import { makeSample } from '../../db/support';
import { createUser, listPeople } from '../../support/people';
import { everything, exported, png, row, temporary, useHome, withFolder } from './support';

const { fileOf, path, pictures, save } = withFolder();

/**
 * A round with answers of two people: picks, a tie, both bad, and one answer of each on the first
 * pair.
 */
async function label(): Promise<void> {
  const base = await ensureBasePolicy(await handsPolicy());
  const people = ['ann', 'bob'];
  for (const id of people) {
    await createUser({ id, name: id, email: `${id}@example.org`, role: 'annotator' });
  }
  const { round } = await startRun({
    name: 'labeled',
    mode: 'single',
    method: 'd3po',
    pipeline: 'hands',
    config: {
      prompts: ['1 hand'],
      evaluationPrompts: ['1 hand'],
      sampling: { pairsPerRound: 4 },
      labeling: { annotatorsPerPair: 2, undoWindowSeconds: 0 },
    },
    createdBy: null,
  });
  for (let i = 0; i < 4; i++) {
    const drawn = await Promise.all(
      [2 * i, 2 * i + 1].map(async (seed) =>
        makeSample({
          policyId: base.id,
          roundId: round.id,
          prompt: `${i} hands`,
          imageBlob: await putBlob(png(100 + seed)),
        }),
      ),
    );
    const [a, b] = drawn.map(({ id }) => id) as [string, string];
    const pair = { id: `pair ${i}`, roundId: round.id, groupId: null, prompt: `${i} hands` };
    const more = { sharedNoise: false, purpose: 'training' as const, target: 2 };
    await recordSamples({
      samples: drawn,
      pairs: [{ ...pair, ...more, sampleAId: a, sampleBId: b }],
    });
  }
  const workerId = 'worker';
  const claimed = await claimWork({ workerId, kinds: ['sample'] });
  await finishSampling({ workId: claimed!.work.id, workerId });
  for (const annotatorId of people) {
    for (const answer of ['left', 'right', 'tie', 'both-bad'] as const) {
      const leased = await leasePairs({ annotatorId });
      if (leased.state !== 'pairs') throw new Error(leased.state);
      await submitPreference({
        id: `${annotatorId} ${answer}`,
        leaseId: leased.pairs[0]!.leaseId,
        annotatorId,
        answer,
        shownAtMs: 1000,
        decidedAtMs: 1800,
        guidelinesVersion: null,
      });
    }
  }
}

describe('export and import', () => {
  it('bring answers from one installation to another and back, each once', async () => {
    await label();
    const there = process.env.DARKROOM_HOME as string;
    const rows = await exported();
    expect(rows).toHaveLength(8);
    const { file, answers, images } = await exportTo(path('out'));
    expect([answers, images]).toEqual([8, 8]);

    await useHome(temporary());
    expect(await importFile(file, 'hands')).toMatchObject({
      problems: [],
      added: 8,
      known: 0,
      people: 2,
    });
    const nameless = ({ user_id: _, ...rest }: PickAPicRow) => rest;
    expect((await exported()).map(nameless)).toEqual(rows.map(nameless));
    const stored = everything();
    expect(await importFile(file, 'hands')).toMatchObject({ added: 0, known: 8 });
    expect(everything()).toEqual(stored);

    const again = await exportTo(path('again'));
    await useHome(there);
    const own = everything();
    expect(await importFile(again.file, 'hands')).toMatchObject({ added: 0, known: 8 });
    expect(everything()).toEqual(own);
  });

  it('writes the same folder twice', async () => {
    await label();
    const one = await exportTo(path('one'));
    const two = await exportTo(path('two'));
    expect(await readFile(two.file)).toEqual(await readFile(one.file));
  });

  it('works with the images in the lines, too, and with a card that names every column', async () => {
    await label();
    const rows = await exported();
    for (const images of ['beside', 'lines'] as const) {
      const out = path(images);
      const { file } = await exportTo(out, { images });
      const [first] = (await readFile(file, 'utf8')).split('\n');
      const card = await readFile(join(out, 'README.md'), 'utf8');
      const named = [...card.matchAll(/^ {2}- name: (\w+)$/gm)].map(([, column]) => column);
      expect(named).toEqual(Object.keys(JSON.parse(first as string)));
      expect(existsSync(join(out, 'images'))).toBe(images === 'beside');
    }
    await useHome(temporary());
    const file = path('lines/preferences.jsonl');
    expect(await importFile(file, 'hands')).toMatchObject({ problems: [], added: 8, altered: 0 });
    const nameless = ({ user_id: _, ...rest }: PickAPicRow) => rest;
    expect((await exported()).map(nameless)).toEqual(rows.map(nameless));
    const beside = path('beside/preferences.jsonl');
    expect(await importFile(beside, 'hands')).toMatchObject({ added: 0, known: 8 });
  });

  it('finds images by their hash where the folder has lost them but this installation has not', async () => {
    await label();
    const { file } = await exportTo(path('out'));
    const home = temporary();
    await cp(join(process.env.DARKROOM_HOME as string, 'blobs'), join(home, 'blobs'), {
      recursive: true,
    });
    await rm(path('out/images'), { recursive: true });
    const bare = (await readFile(file, 'utf8')).replaceAll(/"image_\d_path":"[^"]+"/g, '"x":1');
    await writeFile(file, bare);
    await useHome(home);
    expect(await importFile(file, 'hands')).toMatchObject({ problems: [], added: 8 });
  });
});

describe('what was imported', () => {
  it('is trained on, but is nobody’s work here', async () => {
    const [a, b, c] = (await pictures(3)) as [string, string, string];
    const file = await fileOf([
      row(a, b, { user_id: 1, model_0: 'sdxl', model_1: 'sd' }),
      row(a, b, { user_id: 2 }),
      row(b, a, { user_id: 3 }),
      row(b, c, { user_id: 1, label_0: 0, label_1: 1 }),
      row(a, c, { label_0: 0.5, label_1: 0.5, answer: 'both-bad' }),
      row(a, b, { user_id: 2 }),
      row(a, c, { has_label: false }),
      row(a, c, { user_id: 1, purpose: 'gold' }),
    ]);
    expect(await importFile(file, 'hands')).toEqual({
      problems: [],
      added: 5,
      // The same twice in one file.
      known: 1,
      people: 4,
      unnamed: 1,
      untimed: { missing: 6, unread: 0 },
      unlabeled: 1,
      otherPurpose: 1,
      heldBack: 0,
      prompts: 1,
      cuts: { cut: 0, first: null, room: 14 },
      images: 3,
      altered: 0,
      alterations: {},
      unit: 'line',
    });
    await createUser({ id: 'ann', name: 'ann', email: 'ann@example.org', role: 'annotator' });
    const people = (await listPeople()).map(({ id, imported }) => [id, imported]);
    expect(people.filter(([, imported]) => imported)).toHaveLength(4);
    expect(people).toContainEqual(['ann', false]);
    const { round, run } = await startRun({
      name: 'on imports',
      mode: 'single',
      method: 'diffusion-dpo',
      pipeline: 'hands',
      config: { prompts: ['1 hand'], evaluationPrompts: ['1 hand'] },
      createdBy: null,
    });
    const [hashA, hashB, hashC] = [0, 1, 2].map((i) => sha256(png(i)));
    const frozen = await trainingPairsOf(round.id);
    expect(
      frozen.map(({ winner, loser, weight }) => [winner.imageBlob, loser.imageBlob, weight]).sort(),
    ).toEqual(
      [
        [hashA, hashB, 1 / 3],
        [hashC, hashB, 1],
      ].sort(),
    );
    expect(round.manifest?.trainingData).toMatchObject({
      answers: 5,
      used: 4,
      archive: {
        rounds: 0,
        imports: 1,
        annotators: 4,
        bothBad: 1,
        images: 3,
        imported: 3,
        encoded: 3,
      },
    });
    const origins = db()
      .select()
      .from(schema.samples)
      .all()
      .map(({ origin }) => origin);
    expect(origins).toHaveLength(3);
    expect(origins).toContain('sdxl');
    const models = (await exported()).flatMap(({ model_0, model_1 }) => [model_0, model_1]);
    expect(new Set(models)).toEqual(new Set(['sdxl', 'sd', 'unknown']));
    // The policy whose base they were imported to drew none of them.
    expect((await defectRates({ pipeline: 'hands' })).rates).toEqual([]);
    // An import is no round: there is none but the one that trains.
    expect((await roundsPage({ limit: 9 })).overTotal).toBe(0);
    expect((await listRuns()).map(({ id }) => id)).toEqual([run.id]);
    const { imports, total } = await importsPage({ limit: 9 });
    expect(total).toBe(1);
    expect(imports[0]).toMatchObject({
      pipeline: 'hands',
      format: 'lines',
      offered: 6,
      answers: 5,
      images: 3,
      people: 4,
      finishedAt: expect.any(Number),
    });
    const importId = imports[0]!.id;
    const items = await importedPairs({ importId, after: '', limit: 9 });
    const said = items.map(({ images, bothBad, people }) => [
      ...images.map(({ votes }) => votes).sort(),
      bothBad,
      people,
    ]);
    expect(said.sort()).toEqual([
      [0, 0, 1, 1],
      [0, 1, 0, 1],
      [1, 2, 0, 3],
    ]);
    const one = await exported({ importId });
    expect(one).toHaveLength(5);
    expect(await exported({ importId: 'other' })).toEqual([]);
    expect(await exported({ roundId: round.id })).toEqual([]);
  });
});

describe('a file with errors', () => {
  it('is refused as a whole, each line with what is wrong and what would be right', async () => {
    const [a, b, c] = (await pictures(3)) as [string, string, string];
    const gif = await save('moving.gif', Buffer.from('GIF89a'));
    const jpeg = await save('photo.png', Uint8Array.from([255, 216, 255, 224]));
    const text = [
      row(a, b, { ranking_id: 'one', user_id: 'u' }),
      row(a, gif),
      row(a, 'missing.png'),
      row(a, jpeg),
      row(a, b, { label_0: 1, label_1: 1 }),
      row(a, b, { label_0: 0, label_1: 1, answer: 'left' }),
      row(a, a),
      row(a, '../b.png'),
      { ...row(a, b), caption: ' ' },
      row(a, undefined),
    ].map((one) => JSON.stringify(one));
    const file = path('broken.jsonl');
    await writeFile(file, [...text, '{"caption": '].join('\n'));
    const { problems, added } = await importFile(file, 'hands');
    expect(added).toBe(0);
    const said = Object.fromEntries(problems.map(({ line, message }) => [line, message]));
    expect(Object.keys(said)).toEqual(['2', '3', '4', '5', '6', '7', '8', '9', '10', '11']);
    expect(said[2]).toMatch(/moving\.gif is a GIF\. Save it as PNG, JPEG or WebP/);
    expect(said[3]).toMatch(/missing\.png does not exist/);
    expect(said[4]).toMatch(/photo\.png is a JPEG that cannot be read/);
    expect(said[5]).toMatch(/label_0 1 and label_1 1 are no answer\. Give 1 and 0/);
    expect(said[6]).toMatch(/answer "left" are no answer/);
    expect(said[7]).toMatch(/both images are the same/);
    expect(said[8]).toMatch(/leads out of/);
    expect(said[9]).toMatch(/caption/);
    expect(said[10]).toMatch(/neither image_1_path nor image_1_uid/);
    expect(said[11]).toMatch(/one JSON object a line/);
    expect(problems.find(({ line }) => line === 11)?.reason).toBe('not-json');
    expect(everything().map((rows) => rows.length)).toEqual([0, 0, 0, 0, 0]);

    const contradictory = await fileOf([
      row(a, b, { ranking_id: 'one', user_id: 'u' }),
      row(a, c, { ranking_id: 'one', user_id: 'u' }),
      row(b, a, { ranking_id: 'two', user_id: 'u' }),
      row(b, a, { ranking_id: 'three', user_id: 'v' }),
      row(b, a, { label_0: 0, label_1: 1, ranking_id: 'four', user_id: 'u' }),
    ]);
    const found = (await importFile(contradictory, 'hands')).problems;
    expect(found.map(({ line }) => line)).toEqual([3, 5]);
    expect(found[0]!.message).toMatch(/ranking_id one is that of line 1/);
    expect(found[1]!.message).toMatch(/u has judged these two images otherwise in line 1/);
    expect(everything().map((rows) => rows.length)).toEqual([0, 0, 0, 0, 0]);
  });

  it('contradicts what is stored neither by its ids nor by its people', async () => {
    const [a, b, c] = (await pictures(3)) as [string, string, string];
    await importFile(await fileOf([row(a, b, { ranking_id: 1, user_id: 'u' })]), 'hands');
    const stored = everything();
    const later = await fileOf([
      row(a, c, { ranking_id: 1, user_id: 'w' }),
      row(b, a, { ranking_id: 2, user_id: 'u' }),
      row(a, b, { ranking_id: 3, user_id: 'u' }),
      row(a, c, { user_id: 'u' }),
    ]);
    const { problems } = await importFile(later, 'hands');
    expect(
      problems.map(({ line, message }) => [line, /stored|earlier import/.test(message)]),
    ).toEqual([
      [1, true],
      [3, true],
    ]);
    expect(everything()).toEqual(stored);
  });

  it('of a pipeline that is not known is refused', async () => {
    await mkdir(path('empty'));
    const file = await fileOf([{}]);
    for (const unknown of [path('empty'), 'hands2']) {
      await expect(importFile(file, unknown)).rejects.toThrow(
        `no policy of the pipeline ${unknown} yet. Add it: npm run policy:import`,
      );
    }
  });
});
