/**
 * @file Answers in Parquet, with the bytes of the images, in files of some hundred MiB: as
 * Pick-a-Pic publishes them, or as prompt, chosen and rejected image.
 */
import { writeFile } from 'node:fs/promises';
import { getBlob } from '@/db/blobs/blobs';
import type { PickAPicRow } from '@/lib/exchange/pick-a-pic';
import { parquetColumns, tripleColumns } from './columns';
import { cardOfParquet, cardOfTriples } from './dataset-card';
import { type Columns, ParquetFile } from './parquet-file';
import type { Sink, SinkInput } from './sink';

const shardName = (shard: number) => `data/train-${String(shard).padStart(5, '0')}.parquet`;

interface Layout {
  columns: Columns;
  card: string;
  /** What a row is, given its images. */
  row: (answer: PickAPicRow, jpg_0: Uint8Array, jpg_1: Uint8Array) => Record<string, unknown>;
}

export const parquetSink = sinkOf({
  columns: parquetColumns,
  card: cardOfParquet(parquetColumns),
  row: (answer, jpg_0, jpg_1) => ({ ...answer, created_at: answer.created_at_ms, jpg_0, jpg_1 }),
});

export const triplesSink = sinkOf({
  columns: tripleColumns,
  card: cardOfTriples(tripleColumns),
  row: (answer, jpg_0, jpg_1) => {
    const { caption, label_0, user_id, created_at_ms, answer_id } = answer;
    const [chosen, rejected] = label_0 === 1 ? [jpg_0, jpg_1] : [jpg_1, jpg_0];
    const rest = { user_id, created_at: created_at_ms, answer_id };
    return { prompt: caption, chosen, rejected, ...rest };
  },
});

function sinkOf({ columns, card, row }: Layout) {
  return async ({ work, mark, shardBytes }: SinkInput): Promise<Sink<PickAPicRow>> => {
    let shards = (mark?.place as number) ?? 0;
    let open: ParquetFile | null = null;
    const begin = async () => ParquetFile.create(await work.place(shardName(shards)), columns);
    const close = async () => {
      if (!open) return;
      await open.finish();
      open = null;
      shards++;
    };
    return {
      async add(answer) {
        open ??= await begin();
        const hashes = [answer.image_0_uid, answer.image_1_uid];
        const [jpg_0, jpg_1] = await Promise.all(hashes.map(getBlob));
        await open.add(row(answer, jpg_0!, jpg_1!));
        if (open.bytes < shardBytes) return null;
        await close();
        return { place: shards };
      },
      async end() {
        // A set without answers is a file without rows: readers want one.
        if (shards === 0) open ??= await begin();
        await close();
        await writeFile(await work.place('README.md'), card);
        return [...Array.from({ length: shards }, (_, i) => shardName(i)), 'README.md'];
      },
      abandon: async () => open?.abandon(),
    };
  };
}
