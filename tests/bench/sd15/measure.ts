/** @file One pass of one build in a process of its own, from its start to its steady runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { PassMark, PassOptions, Predicted, Work } from './marks';
import { type MemoryPeak, MemoryWatch } from './memory';

/** Times in seconds; `cpu` is processor time of the engine's threads. */
export interface PassReport extends MemoryPeak {
  /** From the start of the process to the end of the first run. */
  firstSeconds: number;
  firstCpuSeconds: number;
  /** Of each run after it. */
  runSeconds: number[];
  /** Of one run on the average. */
  runCpuSeconds: number;
  /** Between two runs, by page tables. */
  resting: { privateMib: number; proportionalMib: number };
  matrixGflops: number;
  work: Work;
  predicted: Predicted;
  numbers: number[];
  plain?: number[];
}

export interface Build {
  folder: string;
  /** Its data folder: what it prepares once lies there. */
  home: string;
}

export async function measurePass(
  { folder, home }: Build,
  options: PassOptions,
): Promise<PassReport> {
  const started = performance.now();
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(folder, 'tests/bench/sd15/pass.ts'), JSON.stringify(options)],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, DARKROOM_HOME: home },
    },
  );
  const watch = new MemoryWatch(child.pid!);
  const report: Partial<PassReport> = {};
  let first = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as PassMark;
    if (said.mark === 'first') {
      report.firstSeconds = (performance.now() - started) / 1000;
      first = watch.read().cpuSeconds;
      report.firstCpuSeconds = first;
    } else if (said.mark === 'steady') {
      // What is done for comparison afterwards takes memory, too.
      const { cpuSeconds, ...peak } = watch.read();
      Object.assign(report, peak, { resting: watch.proportional() });
      report.runSeconds = said.ms.map((ms) => ms / 1000);
      report.runCpuSeconds = (cpuSeconds - first) / said.ms.length;
      watch.stop();
    } else if (said.mark === 'numbers') {
      report.numbers = said.numbers;
      if (said.plain) report.plain = said.plain;
    } else {
      report.matrixGflops = said.gflops;
      report.work = said.work;
      report.predicted = said.predicted;
    }
  }
  watch.stop();
  if (child.exitCode === null) await once(child, 'exit');
  if (child.exitCode !== 0 || !report.work) {
    throw new Error(`Measuring ${options.pass} in ${folder} ended with ${child.exitCode}.`);
  }
  return report as PassReport;
}
