/**
 * @file Answers in Parquet as Pick-a-Pic publishes them: the bytes of the images in `jpg_0` and
 * `jpg_1`, in files of some hundred MiB.
 */
import { writeFile } from 'node:fs/promises';
import { getBlob } from '@/db/blobs/blobs';
import { parquetColumns } from './columns';
import { cardOfParquet } from './dataset-card';
import { ParquetFile } from './parquet-file';
import type { Sink, SinkInput } from './sink';

const shardName = (shard: number) => `data/train-${String(shard).padStart(5, '0')}.parquet`;

export async function parquetSink({ work, mark, shardBytes }: SinkInput): Promise<Sink> {
  let shards = (mark?.place as number) ?? 0;
  let open: ParquetFile | null = null;
  const close = async () => {
    await open?.finish();
    if (open) shards++;
    open = null;
  };
  return {
    async add(row) {
      open ??= await ParquetFile.create(await work.place(shardName(shards)), parquetColumns);
      const [jpg_0, jpg_1] = await Promise.all([
        getBlob(row.image_0_uid),
        getBlob(row.image_1_uid),
      ]);
      await open.add({ ...row, created_at: row.created_at_ms, jpg_0, jpg_1 });
      if (open.bytes < shardBytes) return null;
      await close();
      return { place: shards };
    },
    async end() {
      // A set without answers is a file without rows: readers want one.
      if (shards === 0) {
        open ??= await ParquetFile.create(await work.place(shardName(0)), parquetColumns);
      }
      await close();
      await writeFile(await work.place('README.md'), cardOfParquet(parquetColumns));
      return [...Array.from({ length: shards }, (_, i) => shardName(i)), 'README.md'];
    },
    abandon: async () => open?.abandon(),
  };
}
