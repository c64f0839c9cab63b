/**
 * @file `npm run export`: standing answers in Pick-a-Pic's columns, with the images they are about.
 */
import { z } from 'zod';
import { commandLine } from '@/scripts/command-line';
import { line } from '@/scripts/console';
import { exportTo } from './export-to';
import { imagePlaces } from './image-places';

const {
  values: { round, gold, images: place, ...values },
  operands: [folder],
} = commandLine({
  start: 'npm run export --',
  about:
    "Writes every standing answer that may be trained on to FOLDER, one JSON object a line in Pick-a-Pic's columns, with the images it is about and a README.md that says how its trainers read them.",
  operands: ['FOLDER'],
  options: z.object({
    round: z.string().optional().describe('only this one, by its id'),
    images: z
      .enum(imagePlaces)
      .default('beside')
      .describe('beside: as files in FOLDER/images; lines: as base64 in jpg_0 and jpg_1'),
    gold: z.boolean().default(false).describe('also answers to gold pairs, marked by "purpose"'),
    'held-back': z
      .boolean()
      .default(false)
      .describe('also answers by people who are paused, marked by "held_back"'),
  }),
});
const { file, answers, images } = await exportTo(folder as string, {
  ...(round !== undefined && { roundId: round }),
  gold,
  heldBack: values['held-back'],
  images: place,
});
line('✓', 'exported', `${answers} answers and ${images} images to ${file}`);
