/** @file `npm run restore`: a backup into an empty data folder. */
import { z } from 'zod';
import { AppError } from '@/lib/errors';
import { commandLine, refuse } from '@/scripts/command-line';
import { line } from '@/scripts/console';
import { restoreFrom } from './restore-from';

const {
  operands: [folder],
} = commandLine({
  start: 'npm run restore --',
  about:
    'Copies a backup made by npm run backup from FOLDER into the data folder (DARKROOM_HOME), which must hold no database.',
  operands: ['FOLDER'],
  options: z.object({}),
});
try {
  const { home, manifest, damaged } = await restoreFrom(folder as string);
  const when = new Date(manifest.createdAt).toISOString();
  line('✓', 'restored', `${manifest.blobs.count} files and the database as of ${when} to ${home}`);
  line('·', 'next', 'npm start goes on from there');
  if (damaged.length > 0) {
    line('!', 'damaged', `${damaged.length} files are missing from the backup, as ${damaged[0]}`);
    process.exitCode = 1;
  }
} catch (thrown) {
  if (thrown instanceof AppError) refuse(thrown.message);
  if ((thrown as NodeJS.ErrnoException).code === 'ENOSPC') {
    refuse('No space left. Free some, then restore again: it goes on where it stopped.');
  }
  throw thrown;
}
