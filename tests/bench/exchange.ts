/**
 * @file What it takes to export many answers and to import them into a fresh data folder: the
 * commands themselves, each in a process of its own, whose peak of memory the kernel tells.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parquetColumns } from '@/scripts/export/columns';
import { ParquetFile } from '@/scripts/export/parquet-file';
import { encodePng } from '@/trainer/diffusion/images/png';
import { createRandom } from '@/trainer/random';

export interface ExchangeStep {
  name: string;
  seconds: number;
  cpuSeconds: number;
  /** Null where the kernel does not tell. */
  peakMib: number | null;
  /** Of the files that were read or written. */
  mib: number;
  said: string;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
/** Of which a pair takes two: noise, which cannot be packed, of the built-in policy's size. */
const side = 64;

/** Imports as many pairs, exports them, and imports that into another data folder. */
export async function measureExchange(pairs: number): Promise<ExchangeStep[]> {
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-exchange-'));
  const path = (name: string) => join(folder, name);
  try {
    await writeAnswers(path('given.parquet'), pairs);
    const steps: ExchangeStep[] = [];
    const run = async (name: string, home: string, script: string, args: string[], of: string) => {
      const step = await measured(script, args, path(home));
      steps.push({ name, ...step, mib: mibOf(of) });
    };
    const [given, out, lines] = [path('given.parquet'), path('out'), path('lines')];
    await run('import of Parquet', 'one', 'import', [given], given);
    await run('export as Parquet', 'one', 'export', [out, '--format', 'parquet'], out);
    await run('import of that elsewhere', 'two', 'import', [out], out);
    await run('export as lines', 'one', 'export', [lines], lines);
    return steps;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function writeAnswers(path: string, pairs: number): Promise<void> {
  const random = createRandom(1);
  const picture = () => {
    const data = Uint8Array.from({ length: 3 * side * side }, () => random.integer(256));
    return encodePng({ width: side, height: side, data });
  };
  const file = await ParquetFile.create(path, parquetColumns);
  for (let i = 0; i < pairs; i++) {
    await file.add({
      caption: `${i % 500} hands`,
      jpg_0: picture(),
      jpg_1: picture(),
      label_0: i % 2,
      label_1: 1 - (i % 2),
      ranking_id: i + 1,
      user_id: i % 40,
      created_at: Date.UTC(2025, 0, 1) + i * 1000,
    });
  }
  await file.finish();
}

async function measured(script: string, args: string[], home: string) {
  const startedAt = performance.now();
  const command = ['--import', 'tsx', `scripts/${script}/main.ts`, ...args];
  const child = spawn(process.execPath, command, {
    cwd: root,
    env: { ...process.env, DARKROOM_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  let seen = { peakMib: null as number | null, cpuSeconds: 0 };
  const watch = setInterval(() => {
    seen = lookAt(child.pid as number) ?? seen;
  }, 20);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  clearInterval(watch);
  if (code !== 0) throw new Error(`${script} ended with ${code}: ${said}`);
  return { seconds: (performance.now() - startedAt) / 1000, ...seen, said: said.trim() };
}

/** Peak of memory so far, and time of the processor (Linux counts it in hundredths of a second). */
function lookAt(pid: number) {
  try {
    const [, kib] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / 100;
    return kib === undefined ? null : { peakMib: Number(kib) / 1024, cpuSeconds };
  } catch {
    return null;
  }
}

function mibOf(path: string): number {
  if (!existsSync(path)) return 0;
  if (!statSync(path).isDirectory()) return statSync(path).size / 2 ** 20;
  return readdirSync(path).reduce((sum, name) => sum + mibOf(join(path, name)), 0);
}

export function exchangeText(pairs: number, steps: readonly ExchangeStep[]): string {
  const rows = steps.map(({ name, seconds, cpuSeconds, peakMib, mib, said }) =>
    [
      name.padEnd(26),
      `${seconds.toFixed(1)} s`.padStart(8),
      `${cpuSeconds.toFixed(1)} s of CPU`.padStart(16),
      (peakMib === null ? 'peak unknown' : `peak ${peakMib.toFixed(0)} MiB`).padStart(14),
      `${mib.toFixed(0)} MiB on disk`.padStart(18),
      `  ${said.split('\n')[0]!.trim()}`,
    ].join(''),
  );
  return [`${pairs} pairs of two images of ${side} × ${side}, each of noise`, ...rows].join('\n');
}
