import { darkroomHome } from '@/db/client';
import { bold, dim } from '@/scripts/console';
import { adminToken } from './setup/setup';
import { runningElsewhere } from './start/running';

const running = await runningElsewhere(darkroomHome());
if (running) {
  console.log(`\n  ${bold(`${running.publicUrl ?? running.url}/join/${await adminToken()}`)}`);
  console.log(`  ${dim('one-time link: signs in the first admin; good for seven days')}\n`);
} else {
  console.error(
    `Darkroom does not run on ${darkroomHome()}: start it with npm start, then ask again.`,
  );
  process.exitCode = 1;
}
