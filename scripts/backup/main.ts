/**
 * @file `npm run backup`: the data folder, while it is in use, to a folder that `npm run restore`
 * reads.
 */
import { z } from 'zod';
import { AppError } from '@/lib/errors';
import { commandLine, refuse } from '@/scripts/command-line';
import { line } from '@/scripts/console';
import { backUp } from './back-up';

const {
  values: { check },
  operands: [folder],
} = commandLine({
  start: 'npm run backup --',
  about:
    'Copies the database and everything it points to into FOLDER, while Darkroom runs. To the same FOLDER again, it copies what is new.',
  operands: ['FOLDER'],
  options: z.object({
    check: z.boolean().default(false).describe('reads what lies in FOLDER again, too'),
  }),
});
try {
  const { manifest, copied } = await backUp(folder as string, { check });
  const { database, blobs, damaged } = manifest;
  const megabytes = ((database.bytes + blobs.bytes) / 1e6).toFixed(1);
  line('✓', 'backup', `${blobs.count} files (${copied} new) and the database, ${megabytes} MB`);
  line('·', 'restore', `DARKROOM_HOME=/new/folder npm run restore -- ${folder}`);
  if (damaged.length > 0) {
    line('!', 'damaged', `${damaged.length} files were missing or damaged, as ${damaged[0]}`);
    process.exitCode = 1;
  }
} catch (thrown) {
  if (thrown instanceof AppError) refuse(thrown.message);
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'SQLITE_FULL') {
    refuse(`No space left in ${folder}. The former backup there, if any, is as it was.`);
  }
  throw thrown;
}
