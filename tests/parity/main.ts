/** @file `npm run parity -- DIR [--device cpu|webgpu|cuda] [--only NAME]`: our numbers against PyTorch's. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Engine } from '@/trainer/runtime/engine';
import { checkAdamW } from './adamw';
import { checkD3po } from './d3po';
import { checkOperators } from './ops';
import { checkPipeline } from './pipeline';
import { type CaseResult, formatCase, formatSummary, passed } from './report';

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

async function report(cases: AsyncIterable<CaseResult>): Promise<void> {
  for await (const result of cases) {
    if (only && !only.has(result.name.replace(/^ops\//, ''))) continue;
    results.push(result);
    console.log(formatCase(result));
  }
}

try {
  if (existsSync(join(folder, 'ops')))
    await report(checkOperators(engine, join(folder, 'ops'), only));
  if (existsSync(join(folder, 'tiny-sd')) && existsSync(join(folder, 'parity')))
    await report(checkPipeline(engine, folder));
  if (existsSync(join(folder, 'parity/golden.json'))) {
    await report(checkD3po(engine, folder));
    await report(checkAdamW(engine, folder));
  }
} finally {
  await engine.close();
}
console.log(formatSummary(results, device));
process.exit(results.length > 0 && results.every(passed) ? 0 : 1);
