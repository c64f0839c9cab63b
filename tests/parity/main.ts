/** @file `npm run parity -- DIR [--device cpu|webgpu|cuda] [--only NAME]`: our numbers against PyTorch's. */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Engine } from '@/trainer/runtime/engine';
import { allCases } from './cases';
import { type CaseResult, formatCase, formatSummary, passed, runCases } from './report';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { device: { type: 'string', default: 'cpu' }, only: { type: 'string', multiple: true } },
});
const folder = positionals[0];
if (!folder || !existsSync(folder)) {
  console.error(
    `Folder ${folder ?? '(none)'} not found. Usage: npm run parity -- DIR [--device cpu|webgpu|cuda]`,
  );
  process.exit(2);
}
const device = values.device as 'cpu' | 'webgpu' | 'cuda';
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
