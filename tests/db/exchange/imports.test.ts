import { expect, it } from 'vitest';
import { eventsAfter } from '@/db/events';
import { importsPage } from '@/db/exchange/import-list';
import { importAnswers } from '@/db/exchange/imports';
import { ensureBasePolicy } from '@/db/policies/policies';
import { withTemporaryHome } from '../support';

withTemporaryHome();

it('goes on where it was stopped, says so meanwhile, and makes no second import', async () => {
  await ensureBasePolicy({ pipeline: 'hands', name: 'hands', hash: 'h' });
  const image = (imageBlob: string) => ({ imageBlob, width: 8, height: 8, origin: 'elsewhere' });
  const answers = Array.from({ length: 40 }, (_, i) => ({
    ...{ line: i + 1, rankingId: null, userId: `${i % 20}`, ordinal: 1, caption: `${i} hands` },
    ...{ left: image('a'), right: image('b'), answer: 'left', createdAt: null, decisionMs: 0 },
  })) as Parameters<typeof importAnswers>[0]['answers'];
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
