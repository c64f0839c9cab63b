import { writeFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { db, schema } from '@/db/client';
import { importFile } from '@/scripts/import/import-file';
import { everything, exported, withFolder } from './support';

const { path, pictures } = withFolder();

it('HPD’s files come in: an array over many lines, two images or more, each person by name', async () => {
  const [a, b, c] = (await pictures(3)) as [string, string, string];
  const items = [
    { human_preference: [0, 1], prompt: '1 hand', file_path: [a, b], user_hash: 'ann' },
    {
      prompt: '2 hands',
      image_path: [a, b, c],
      rank: [1, 2, 3],
      raw_annotations: [
        { rank: [1, 2, 3], user_hash: 'ann' },
        { rank: [1, 3, 2], user_hash: 'bob' },
      ],
    },
    { prompt: '3 hands', image_path: [a, b, c], rank: [1, 2] },
    { prompt: '4 hands', image_path: [a, b, 'gone.png'], rank: [1, 2, 3] },
  ];
  await writeFile(path('test.json'), JSON.stringify(items, null, 2));
  const whole = await importFile(path('test.json'), 'hands');
  expect(whole.problems.map(({ line, reason }) => [line, reason])).toEqual([
    [3, 'columns'],
    [4, 'image-missing'],
    [4, 'image-missing'],
  ]);
  expect(everything().flat()).toEqual([]);
  const options = { skipBad: true };
  expect(await importFile(path('test.json'), 'hands', options)).toMatchObject({
    added: 1 + 2 * 3 + 1,
    people: 3,
    images: 3,
    unit: 'item',
  });
  const names = db()
    .select()
    .from(schema.user)
    .all()
    .map(({ name }) => name);
  expect(names.sort()).toEqual(['Imported', 'Imported ann', 'Imported bob']);
  const said = (await exported()).map(({ caption, answer }) => `${caption}: ${answer}`).sort();
  expect(said).toEqual([
    '1 hand: right',
    ...Array.from({ length: 5 }, () => '2 hands: left'),
    '2 hands: right',
    '4 hands: left',
  ]);
  expect(await importFile(path('test.json'), 'hands', options)).toMatchObject({
    added: 0,
    known: 8,
  });
});
