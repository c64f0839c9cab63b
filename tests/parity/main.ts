/** @file `npm run parity`: our numbers against PyTorch's. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { commandLine, device as deviceOption, refuse } from '@/scripts/command-line';
import { Engine } from '@/trainer/runtime/engine';
import { allCases } from './cases';
import { type CaseResult, formatCase, formatSummary, passed, runCases } from './report';

const { values, operands } = commandLine({
  start: 'npm run parity --',
  about: `Checks our numbers against those that PyTorch left in DIR (ops/, tiny-sd/ or pipeline/, parity/, each optional): per case
the worst relative error, forward and gradient. Ends with status 1 above tolerance.`,
  operands: ['DIR'],
  options: z.object({
    device: deviceOption,
    only: z.array(z.string()).optional().describe('a case; may be given several times'),
  }),
});
const [folder] = operands as [string];
if (!existsSync(folder))
  refuse(
    `${folder} does not exist: give the folder that holds ops/, tiny-sd/, pipeline/ or parity/.`,
  );
const { device } = values;
const only = values.only ? new Set(values.only) : undefined;
const engine = await Engine.open({ device });
const results: CaseResult[] = [];

try {
  for await (const result of runCases(await allCases(engine, folder), only)) {
    results.push(result);
    console.log(formatCase(result));
  }
} finally {
  await engine.close();
}
console.log(formatSummary(results, device));
process.exit(results.length > 0 && results.every(passed) ? 0 : 1);
