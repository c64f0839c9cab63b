/** @file `npm run export -- FOLDER [--round ID]`: every standing answer in Pick-a-Pic's columns, with the images it is about. */
import { parseArgs } from 'node:util';
import { line } from '@/scripts/console';
import { exportTo } from './export-to';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { round: { type: 'string' } },
});
const [folder] = positionals;
if (!folder || positionals.length > 1) {
  console.error('Give one folder: npm run export -- FOLDER [--round ID]');
  process.exit(2);
}
const { file, answers, images } = await exportTo(folder, values.round);
line('✓', 'exported', `${answers} answers and ${images} images to ${file}`);
