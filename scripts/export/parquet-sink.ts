/**
 * @file Answers in Parquet, with the bytes of the images, in files of some hundred MiB: as
 * Pick-a-Pic publishes them, or as prompt, chosen and rejected image.
 */
import { writeFile } from 'node:fs/promises';
import { getBlob } from '@/db/blobs/blobs';
import type { ExportChoice } from '@/db/exchange/exports';
import { factsOf, type RawAnswer } from '@/db/exchange/raw-answers';
import type { PickAPicRow } from '@/lib/exchange/pick-a-pic';
import { noiseColumns, parquetColumns, tripleColumns } from './columns';
import { cardOfNoise, cardOfParquet, cardOfTriples } from './dataset-card';
import { datasheet } from './datasheet';
import { latentsBeside } from './latents-beside';
import { type Columns, ParquetFile } from './parquet-file';
import type { Sink, SinkInput } from './sink';

const shardName = (shard: number) => `data/train-${String(shard).padStart(5, '0')}.parquet`;

interface Layout<Row> {
  columns: Columns;
  /** Files beside those with the rows, by name. */
  texts: (choice: ExportChoice) => Promise<Record<string, string>>;
  /** What a row is, given the bytes of its images. */
  row: (input: SinkInput) => Promise<RowOf<Row>>;
  answerOf: (row: Row) => PickAPicRow;
}

type RowOf<Row> = (
  row: Row,
  jpg_0: Uint8Array,
  jpg_1: Uint8Array,
) => Record<string, unknown> | Promise<Record<string, unknown>>;

const itself = (answer: PickAPicRow) => answer;

export const parquetSink = sinkOf({
  columns: parquetColumns,
  texts: async () => ({ 'README.md': cardOfParquet(parquetColumns) }),
  row: async () => pickAPic,
  answerOf: itself,
});

export const triplesSink = sinkOf({
  columns: tripleColumns,
  texts: async () => ({ 'README.md': cardOfTriples(tripleColumns) }),
  answerOf: itself,
  row: async () => (answer, jpg_0, jpg_1) => {
    const { caption, label_0, user_id, created_at_ms, answer_id } = answer;
    const [chosen, rejected] = label_0 === 1 ? [jpg_0, jpg_1] : [jpg_1, jpg_0];
    const rest = { user_id, created_at: created_at_ms, answer_id };
    return { prompt: caption, chosen, rejected, ...rest };
  },
});

export const noiseSink = sinkOf<RawAnswer>({
  columns: noiseColumns,
  texts: async (choice) => ({
    'README.md': cardOfNoise(noiseColumns),
    'DATASHEET.md': datasheet(await factsOf(choice)),
  }),
  answerOf: ({ answer }) => answer,
  row: async ({ work }) => {
    const latentsOf = await latentsBeside(work);
    return async (raw, jpg_0, jpg_1) => {
      const isImported = raw.images.some(({ policyHash }) => policyHash === null);
      const { images } = raw;
      const drawn = await Promise.all(
        images.map(async ({ trajectoryBlob, ...image }, side) => {
          const latents = await latentsOf(trajectoryBlob);
          return {
            [`sample_${side}_id`]: image.sampleId,
            [`seed_${side}`]: image.seed,
            [`noise_seed_${side}`]: image.noiseSeed,
            [`policy_${side}_hash`]: image.policyHash,
            [`latents_${side}_path`]: latents?.path,
            [`latents_${side}`]: latents?.kind,
          };
        }),
      );
      return {
        ...pickAPic(raw.answer, jpg_0, jpg_1),
        pair_id: raw.pairId,
        round_id: raw.roundId,
        import_id: raw.importId,
        shared_noise: isImported ? null : raw.sharedNoise,
        left_probability: isImported ? null : 0.5,
        shown_at_ms: raw.shownAt,
        decided_at_ms: raw.decidedAt,
        guidelines_version: raw.guidelinesVersion,
        ...drawn[0],
        ...drawn[1],
      };
    };
  },
});

function pickAPic(answer: PickAPicRow, jpg_0: Uint8Array, jpg_1: Uint8Array) {
  return { ...answer, created_at: answer.created_at_ms, jpg_0, jpg_1 };
}

function sinkOf<Row>(layout: Layout<Row>) {
  const { columns, texts, answerOf } = layout;
  return async (input: SinkInput): Promise<Sink<Row>> => {
    const { work, mark, shardBytes, choice } = input;
    const rowOf = await layout.row(input);
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
      async add(row) {
        open ??= await begin();
        const { image_0_uid, image_1_uid } = answerOf(row);
        const [jpg_0, jpg_1] = await Promise.all([getBlob(image_0_uid), getBlob(image_1_uid)]);
        await open.add(await rowOf(row, jpg_0, jpg_1));
        if (open.bytes < shardBytes) return null;
        await close();
        return { place: shards };
      },
      async end() {
        // A set without answers is a file without rows: readers want one.
        if (shards === 0) open ??= await begin();
        await close();
        const beside = await texts(choice);
        for (const [name, text] of Object.entries(beside)) {
          await writeFile(await work.place(name), text);
        }
        return [...Array.from({ length: shards }, (_, i) => shardName(i)), ...Object.keys(beside)];
      },
      abandon: async () => open?.abandon(),
    };
  };
}
