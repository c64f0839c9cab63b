/** @file Rankings as HPDv2 writes them: one JSON array, with the images beside it. */
import { writeFile } from 'node:fs/promises';
import type { Ranking } from '@/db/exchange/rankings';
import { cardOfRankings } from './dataset-card';
import { imagesBeside } from './images-beside';
import type { Sink, SinkInput } from './sink';
import { TextOut } from './text-out';

const fileName = 'rankings.json';

export async function rankingsSink({ work, mark }: SinkInput): Promise<Sink<Ranking>> {
  const pathOf = await imagesBeside(work);
  const out = await TextOut.open(await work.place(fileName), mark?.place);
  return {
    async add({ prompt, imageBlobs, rank, readings }) {
      const image_path: string[] = [];
      for (const hash of imageBlobs) image_path.push(await pathOf(hash));
      const raw_annotations = readings.map((one) => ({
        rank: one.rank,
        user_hash: String(one.userId),
      }));
      const item = JSON.stringify({ prompt, image_path, rank, raw_annotations });
      return out.add(`${out.isEmpty ? '[' : ','}\n${item}`);
    },
    async end() {
      await out.add(out.isEmpty ? '[]\n' : '\n]\n');
      await out.end();
      await writeFile(await work.place('README.md'), cardOfRankings());
      return [fileName, 'README.md'];
    },
    abandon: () => out.abandon(),
  };
}
