/** @file `npm run export`: every standing answer in Pick-a-Pic's columns, with the images it is about. */
import { z } from 'zod';
import { commandLine } from '@/scripts/command-line';
import { line } from '@/scripts/console';
import { exportTo } from './export-to';

const {
  values,
  operands: [folder],
} = commandLine({
  start: 'npm run export --',
  about:
    "Writes every standing answer to FOLDER in Pick-a-Pic's columns, with the images it is about.",
  operands: ['FOLDER'],
  options: z.object({ round: z.string().optional().describe('only this one, by its id') }),
});
const { file, answers, images } = await exportTo(folder as string, values.round);
line('✓', 'exported', `${answers} answers and ${images} images to ${file}`);
