import { expect, it } from 'vitest';
import { readArchive } from '@/db/answers/archive';
import { eventsAfter } from '@/db/events';
import { countExport } from '@/db/exchange/exports';
import { importedPersonId } from '@/db/exchange/import-checks';
import { importCounts, importedPairs } from '@/db/exchange/import-items';
import { importsPage } from '@/db/exchange/import-list';
import { importAnswers } from '@/db/exchange/imports';
import { pausePerson } from '@/db/people/users';
import { ensureBasePolicy } from '@/db/policies/policies';
import { withTemporaryHome } from '../support';

withTemporaryHome();

const image = (imageBlob: string) => ({ imageBlob, width: 8, height: 8, origin: 'elsewhere' });

function answersOf(
  what: string,
  people: readonly string[],
): Parameters<typeof importAnswers>[0]['answers'] {
  return people.map((userId, i) => ({
    ...{ line: i + 1, rankingId: null, userId, ordinal: 1, caption: `${i} ${what}` },
    ...{ left: image('a'), right: image('b'), answer: 'left', createdAt: null, decisionMs: 0 },
  }));
}

it('goes on where it was stopped, says so meanwhile, and makes no second import', async () => {
  await ensureBasePolicy({ pipeline: 'hands', name: 'hands', hash: 'h' });
  const answers = answersOf(
    'hands',
    Array.from({ length: 40 }, (_, i) => `${i % 20}`),
  );
  const source = { file: 'picks.jsonl', sha256: 'abc', format: 'lines' as const };
  const bring = (portions: number, from = source) => {
    let left = portions;
    const putImages = async () => {
      if (left-- === 0) throw new Error('killed');
    };
    return importAnswers({ pipeline: 'hands', source: from, answers, putImages });
  };
  await expect(bring(1)).rejects.toThrow('killed');
  const all = async () => (await importsPage({ limit: 9 })).imports;
  expect(await all()).toMatchObject([
    { offered: 40, answers: 25, images: 50, people: 20, finishedAt: null },
  ]);
  expect(await bring(2)).toEqual({ added: 15, known: 25 });
  const [whole, ...others] = await all();
  expect(others).toEqual([]);
  expect(whole).toMatchObject({ answers: 40, images: 80, finishedAt: expect.any(Number) });
  const told = (await eventsAfter(0)).flatMap((one) =>
    one.kind === 'import' ? [one.payload] : [],
  );
  expect(told.at(-1)).toEqual({ importId: whole!.id, answers: 40, finished: true });
  // Again, and all of it in another file: nothing new.
  expect(await bring(2)).toEqual({ added: 0, known: 40 });
  expect(await bring(2, { ...source, sha256: 'def' })).toEqual({ added: 0, known: 40 });
  expect(await all()).toEqual([whole]);
});

it('keeps answers of two files to the same pairs apart', async () => {
  await ensureBasePolicy({ pipeline: 'hands', name: 'hands', hash: 'h' });
  const putImages = async () => {};
  for (const [sha256, people] of Object.entries({ first: ['ann', 'ann'], second: ['bob'] })) {
    const source = { file: sha256, sha256, format: 'lines' as const };
    await importAnswers({
      pipeline: 'hands',
      source,
      answers: answersOf('fists', people),
      putImages,
    });
  }
  const { imports } = await importsPage({ limit: 9 });
  const of = (source: string) => imports.find((one) => one.source === source)!;
  expect(of('first')).toMatchObject({ answers: 2, images: 4 });
  expect(of('second')).toMatchObject({ answers: 1, images: 0 });
  expect(await importCounts(of('second').id)).toEqual({
    byAnswer: { left: 1, right: 0, tie: 0, 'both-bad': 0 },
    ...{ taggings: 0, heldBack: 0, items: 1 },
  });
  expect((await importCounts(of('first').id)).items).toBe(2);
  const items = await importedPairs({ importId: of('second').id, after: '', limit: 9 });
  expect(items).toMatchObject([{ prompt: '0 fists', people: 1 }]);
  expect(await readArchive('hands', Date.now())).toMatchObject({ standing: 43, imports: 3 });
  expect(await countExport({ importId: of('second').id })).toEqual({ answers: 1, images: 2 });
  await pausePerson(importedPersonId('bob'), null);
  expect((await importCounts(of('second').id)).heldBack).toBe(1);
  expect((await importCounts(of('first').id)).heldBack).toBe(0);
});
