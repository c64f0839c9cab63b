/** @file Answers as lines of JSON, their images beside them or within. */
import { writeFile } from 'node:fs/promises';
import { getBlob } from '@/db/blobs/blobs';
import { type PickAPicRow, toLine } from '@/lib/exchange/pick-a-pic';
import { answerColumns } from './columns';
import { cardOfLines } from './dataset-card';
import { imagesBeside } from './images-beside';
import type { Sink, SinkInput } from './sink';
import { TextOut } from './text-out';

const fileName = 'preferences.jsonl';

export async function linesSink(input: SinkInput): Promise<Sink<PickAPicRow>> {
  const { work, mark, images } = input;
  const pathOf = images === 'beside' ? await imagesBeside(work) : null;
  const columnOf = async (hash: string, side: 0 | 1) => {
    if (pathOf) return { [`image_${side}_path`]: await pathOf(hash) };
    return { [`jpg_${side}`]: Buffer.from(await getBlob(hash)).toString('base64') };
  };
  const out = await TextOut.open(await work.place(fileName), mark?.place);
  return {
    async add(row) {
      const left = await columnOf(row.image_0_uid, 0);
      const right = await columnOf(row.image_1_uid, 1);
      return out.add(`${toLine({ ...row, ...left, ...right })}\n`);
    },
    async end() {
      await out.end();
      await writeFile(await work.place('README.md'), cardOfLines(answerColumns, images));
      return [fileName, 'README.md'];
    },
    abandon: () => out.abandon(),
  };
}
