/** @file Answers as lines of JSON, their images beside them or within. */
import { type FileHandle, mkdir, open, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getBlob } from '@/db/blobs/blobs';
import { type PickAPicRow, toLine } from '@/lib/exchange/pick-a-pic';
import { answerColumns } from './columns';
import { cardOfLines } from './dataset-card';
import type { Sink, SinkInput } from './sink';
import type { WorkFolder } from './work-folder';

const fileName = 'preferences.jsonl';
/** A mark waits for the disk. */
const answersPerMark = 200;

export async function linesSink({ work, mark, images }: SinkInput): Promise<Sink> {
  const columnsOf = images === 'beside' ? await columnsBeside(work) : columnsWithin;
  const handle = await openAt(await work.place(fileName), (mark?.place as number) ?? 0);
  let [held, bytes] = [0, (mark?.place as number) ?? 0];
  return {
    async add(row) {
      const left = await columnsOf(row, 0);
      const right = await columnsOf(row, 1);
      const line = Buffer.from(`${toLine({ ...row, ...left, ...right })}\n`);
      await handle.writeFile(line);
      bytes += line.length;
      held++;
      if (held < answersPerMark) return null;
      held = 0;
      await handle.sync();
      return { place: bytes };
    },
    async end() {
      await handle.sync();
      await handle.close();
      await writeFile(await work.place('README.md'), cardOfLines(answerColumns, images));
      return [fileName, 'README.md'];
    },
    abandon: () => handle.close(),
  };
}

/** What stands behind the place was written after the last mark. */
async function openAt(path: string, place: number): Promise<FileHandle> {
  const handle = await open(path, 'a');
  await handle.truncate(place);
  return handle;
}

async function columnsBeside(work: WorkFolder) {
  const { folder } = work;
  const part = await work.place('image.part');
  const written = new Set<string>();
  await mkdir(join(folder, 'images'), { recursive: true });
  return async (row: PickAPicRow, side: 0 | 1) => {
    const hash = row[`image_${side}_uid`];
    const path = `images/${hash}.png`;
    if (!written.has(hash)) {
      await writeFile(part, await getBlob(hash));
      await rename(part, join(folder, path));
    }
    written.add(hash);
    return { [`image_${side}_path`]: path };
  };
}

async function columnsWithin(row: PickAPicRow, side: 0 | 1) {
  const bytes = await getBlob(row[`image_${side}_uid`]);
  return { [`jpg_${side}`]: Buffer.from(bytes).toString('base64') };
}
