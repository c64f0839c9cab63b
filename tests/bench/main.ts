/** @file `npm run bench`: speed and memory, never part of a test. */
import { cpus } from 'node:os';
import { z } from 'zod';
import { commandLine, device as deviceOption } from '@/scripts/command-line';
import { openPipeline } from '@/trainer/diffusion/pipeline';
import { pipelineFolder } from '@/trainer/rounds/resolve-pipeline';
import { Engine } from '@/trainer/runtime/engine';
import { measureLoop } from './loop';
import { measurePasses } from './passes';
import { measureRequests } from './requests';

const { values } = commandLine({
  start: 'npm run bench --',
  about: 'Measures speed and memory of sampling, training and the web app on a quiet machine.',
  options: z.object({
    json: z.boolean().default(false).describe('prints JSON'),
    device: deviceOption,
    'skip-requests': z.boolean().default(false).describe('leaves out the web app'),
  }),
});
const { device } = values;
const pipeline = await openPipeline(pipelineFolder('hands'));

async function withEngine<T>(run: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await Engine.open({ device });
  try {
    return await run(engine);
  } finally {
    await engine.close();
  }
}

const report = {
  machine: { cpu: cpus()[0]?.model.trim(), cores: cpus().length, node: process.version, device },
  loop: await withEngine((engine) => measureLoop(engine, pipeline)),
  passes: await withEngine((engine) => measurePasses(engine, pipeline)),
  requests: values['skip-requests'] ? [] : await measureRequests([1, 50]),
};

if (values.json) console.log(JSON.stringify(report, null, 2));
else {
  const { loop, passes, requests, machine } = report;
  console.log(`${machine.cpu}, ${machine.cores} cores, ${device}, Node ${machine.node}`);
  console.log(`sampling   ${loop.imagesPerSecond.toFixed(2)} images/s (20 steps, guidance 5)`);
  console.log(
    `D3PO       ${loop.pairTimestepsPerSecond.toFixed(2)} pair-timesteps/s, peak ${loop.peakMib.toFixed(0)} MiB`,
  );
  console.log(`UNet       forward ${passes.forwardMs.toFixed(0)} ms for ${passes.images} images`);
  console.log(
    `           (forward + backward) / forward: adapter ${passes.adapterRatio.toFixed(2)}, full weights ${passes.fullRatio.toFixed(2)}`,
  );
  console.log(
    `           ${(100 * passes.shareOfMatrixRate).toFixed(0)} % of ${passes.matrixGflops.toFixed(0)} GFLOP/s of a matrix product; peak ${passes.peakMib.toFixed(0)} MiB`,
  );
  for (const { annotators, name, count, p50, p95 } of requests) {
    console.log(
      `${name.padEnd(16)} ${String(annotators).padStart(2)} annotators: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms of ${count}`,
    );
  }
}
process.exit(0);
