import { darkroomHome } from '@/db/client';
import { bold, dim, line } from '@/scripts/console';
import { database } from './database';
import { devices } from './devices';
import type { Finding } from './finding';
import { browser, compiler, disk, memory, node, npm, preparedNetworks, webApp } from './machine';

const marks = { fine: '✓', lacking: '!', broken: '✗' } as const;

async function examine(): Promise<Finding[]> {
  return [
    node(),
    npm(),
    compiler(),
    await database(),
    webApp(),
    ...(await devices()),
    await disk(darkroomHome()),
    await preparedNetworks(darkroomHome()),
    memory(),
    browser(),
  ];
}

function print(findings: Finding[]): void {
  for (const { name, state, found, remedy } of findings) {
    line(marks[state], name, found);
    if (remedy) console.log(`    ${' '.repeat(12)} ${dim(`→ ${remedy}`)}`);
  }
}

const findings = await examine();
const works = findings.every(({ state }) => state !== 'broken');
if (process.argv.includes('--json')) {
  console.log(JSON.stringify({ works, findings }, null, 2));
} else {
  print(findings);
  const verdict = works ? 'Darkroom works here.' : 'Darkroom cannot work here yet: see ✗ above.';
  console.log(`\n${bold(verdict)}`);
}
process.exitCode = works ? 0 : 1;
