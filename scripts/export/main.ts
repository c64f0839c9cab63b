/**
 * @file `npm run export`: standing answers in Pick-a-Pic's columns, with the images they are about.
 */
import { z } from 'zod';
import { toAppError } from '@/lib/errors';
import { commandLine, refuse, whole } from '@/scripts/command-line';
import { line } from '@/scripts/console';
import { progressLine } from '@/scripts/progress-line';
import { exportTo, shardBytesUsual } from './export-to';
import { aboutFormats, formatNames } from './formats';
import { imagePlaces } from './image-places';

const {
  values: { round, import: importId, gold, format, images: place, ...values },
  operands: [folder],
} = commandLine({
  start: 'npm run export --',
  about:
    "Writes every standing answer that may be trained on to FOLDER, in Pick-a-Pic's columns, with the images it is about and a README.md by which `datasets` reads it. Stopped midway, it goes on when called again.",
  operands: ['FOLDER'],
  options: z.object({
    format: z.enum(formatNames).default('lines').describe(aboutFormats),
    round: z.string().optional().describe('only this one, by its id'),
    import: z.string().optional().describe('only what came in with this one, by its id'),
    images: z
      .enum(imagePlaces)
      .default('beside')
      .describe('of lines; beside: as files in FOLDER/images; lines: as base64 in jpg_0 and jpg_1'),
    gold: z.boolean().default(false).describe('also answers to gold pairs, marked by "purpose"'),
    'held-back': z
      .boolean()
      .default(false)
      .describe('also answers by people who are paused, marked by "held_back"'),
    'shard-mib': whole(1, 4096)
      .default(shardBytesUsual / 2 ** 20)
      .describe('of parquet: a new file from this size on'),
  }),
});

if (round !== undefined && importId !== undefined)
  refuse('Give --round or --import, not both: what was imported is of no round.');

try {
  const progress = progressLine('answers');
  const { file, answers, images, found } = await exportTo(folder as string, {
    format,
    roundId: round,
    importId,
    gold,
    heldBack: values['held-back'],
    images: place,
    shardBytes: values['shard-mib'] * 2 ** 20,
    onProgress: progress,
  });
  if (found > 0) line('·', 'went on', `${found} rows had been written before`);
  line('✓', 'exported', `${answers} answers and ${images} images to ${file}`);
} catch (thrown) {
  const error = toAppError(thrown);
  const isBug = error.code === 'internal' && thrown instanceof Error;
  console.error(isBug ? thrown.message : error.message);
  process.exitCode = 1;
}
