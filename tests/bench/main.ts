/** @file `npm run bench`: speed and memory, never part of a test. */
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { build } from '@/scripts/build';
import { commandLine, device as deviceOption, whole } from '@/scripts/command-line';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { handsFolder } from '@/trainer/rounds/pipelines/resolve';
import { Engine } from '@/trainer/runtime/engine';
import { exchangeText, measureExchange } from './exchange';
import { loadText, measureLoad } from './load';
import { measureLoop } from './loop';
import { measurePasses, type Passes } from './passes';
import { measurePicks, picksText } from './picks';
import { measureRequests } from './requests';
import { measureScale, scaleText } from './scale/scale';
import { measureSd15, sd15Text } from './sd15/sd15';

const { values } = commandLine({
  start: 'npm run bench --',
  about:
    'Measures speed and memory of sampling, training and the web app on a quiet machine; with --scale what pages and picks cost in large databases.',
  options: z.object({
    json: z.boolean().default(false).describe('prints JSON'),
    device: deviceOption,
    scale: z.boolean().default(false).describe('fills databases and measures these instead'),
    answers: z
      .string()
      .default('1000,10000,100000')
      .transform((typed) => typed.split(',').map(Number))
      .refine((sizes) => sizes.every((size) => Number.isInteger(size) && size >= 100), {
        error: 'give whole numbers of at least 100, as 1000,10000',
      })
      .describe('with --scale: how many answers each database holds'),
    picks: z
      .boolean()
      .default(false)
      .describe('measures picks among many open pairs and own answers instead'),
    load: z
      .boolean()
      .default(false)
      .describe('measures picks over HTTP by 8 to 200 annotators instead'),
    exchange: z.boolean().default(false).describe('measures export and import of answers instead'),
    pairs: whole(1, 1_000_000)
      .default(10_000)
      .describe('with --exchange: how many answers, each on two images of its own'),
    sd15: z
      .boolean()
      .default(false)
      .describe('measures the full-size UNet of Stable Diffusion 1.5 instead (Linux)'),
    latents: whole(8, 128)
      .default(64)
      .refine((side) => side % 8 === 0, 'give a multiple of 8')
      .describe('with --sd15: side of the square latents'),
    runs: whole(1, 1000).default(5).describe('with --sd15: runs after the first'),
    budget: z.coerce
      .number()
      .positive()
      .optional()
      .describe('with --sd15: gigabytes that a step may take; it computes again what it must'),
    turns: whole(1, 100).default(2).describe('with --sd15: how often each build is started'),
    against: z.string().optional().describe('with --sd15: a commit to measure by turns'),
    unet: z
      .string()
      .optional()
      .describe('with --sd15: folder of its model.onnx; made where golden data is'),
    'skip-requests': z.boolean().default(false).describe('leaves out the web app'),
  }),
});
const { device } = values;
if (values.sd15) {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const sd15 = { machine: machine(), ...(await measureSd15(root, values)) };
  console.log(values.json ? JSON.stringify(sd15, null, 2) : `${machineText()}\n${sd15Text(sd15)}`);
  process.exit(0);
}
if (values.picks) {
  const costs = await measurePicks();
  console.log(
    values.json
      ? JSON.stringify({ machine: machine(), picks: costs }, null, 2)
      : `${machineText()}\n${picksText(costs)}`,
  );
  process.exit(0);
}
if (values.load) {
  await build();
  const loads = await measureLoad();
  console.log(
    values.json
      ? JSON.stringify({ machine: machine(), loads }, null, 2)
      : `${machineText()}\n${loadText(loads)}`,
  );
  process.exit(0);
}
if (values.exchange) {
  const steps = await measureExchange(values.pairs);
  console.log(
    values.json
      ? JSON.stringify({ machine: machine(), pairs: values.pairs, steps }, null, 2)
      : `${machineText()}\n${exchangeText(values.pairs, steps)}`,
  );
  process.exit(0);
}
if (values.scale) {
  const report = { machine: machine(), ...(await measureScale(values.answers)) };
  console.log(
    values.json ? JSON.stringify(report, null, 2) : `${machineText()}\n${scaleText(report)}`,
  );
  process.exit(0);
}
/**
 * A few latents, where what surrounds the arithmetic weighs most, and as many as one run of
 * training takes.
 */
const passSizes = [8, 28];
// What it lacks is made before minutes are spent on measuring.
if (!values['skip-requests']) await build();
const pipeline = await openPipeline(handsFolder);

async function withEngine<T>(run: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await Engine.open({ device });
  try {
    return await run(engine);
  } finally {
    await engine.close();
  }
}

/** An engine for each, so that the peak of one is not another's. */
async function passesOf(sizes: readonly number[]): Promise<Passes[]> {
  const found: Passes[] = [];
  for (const images of sizes) {
    for (const lanes of device === 'cpu' ? [1, 2] : [1]) {
      found.push(await withEngine((engine) => measurePasses(engine, pipeline, { images, lanes })));
    }
  }
  return found;
}

function machine() {
  return { cpu: cpus()[0]?.model.trim(), cores: cpus().length, node: process.version };
}

function machineText(): string {
  const { cpu, cores, node } = machine();
  return `${cpu}, ${cores} cores, Node ${node}`;
}

/** What kept the web app from being measured: the rest is told all the same. */
let trouble: unknown;
const report = {
  machine: { ...machine(), device },
  loop: await withEngine((engine) => measureLoop(engine, pipeline)),
  passes: await passesOf(passSizes),
  requests: values['skip-requests']
    ? []
    : await measureRequests([1, 50]).catch((error: unknown) => {
        trouble = error;
        return [];
      }),
};

if (values.json) console.log(JSON.stringify(report, null, 2));
else {
  const { loop, passes, requests, machine } = report;
  console.log(`${machine.cpu}, ${machine.cores} cores, ${device}, Node ${machine.node}`);
  console.log(`sampling   ${loop.imagesPerSecond.toFixed(2)} images/s (20 steps, guidance 5)`);
  console.log(
    `D3PO       ${loop.pairTimestepsPerSecond.toFixed(2)} pair-timesteps/s, peak ${loop.peakMib.toFixed(0)} MiB`,
  );
  for (const of of passes) {
    const where = of.lanes === 1 ? '' : ` in ${of.lanes} lanes`;
    console.log(
      `UNet       forward ${of.forwardMs.toFixed(0)} ms for ${of.images} latents${where}, with backward ${of.adapterMs.toFixed(0)} ms (adapter) or ${of.fullMs.toFixed(0)} ms (full weights)`,
    );
    console.log(
      `           (forward + backward) / forward: adapter ${of.adapterRatio.toFixed(2)} (${of.adapterOperationsRatio.toFixed(2)} in operations), full weights ${of.fullRatio.toFixed(2)} (${of.fullOperationsRatio.toFixed(2)})`,
    );
    console.log(
      `           ${(100 * of.shareOfMatrixRate).toFixed(0)} % of ${of.matrixGflops.toFixed(0)} GFLOP/s of a matrix product; peak ${of.peakMib.toFixed(0)} MiB`,
    );
  }
  for (const { annotators, name, count, p50, p95 } of requests) {
    console.log(
      `${name.padEnd(16)} ${String(annotators).padStart(2)} annotators: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms of ${count}`,
    );
  }
}
if (trouble) console.error(`The web app was not measured: ${trouble}`);
process.exit(trouble ? 1 : 0);
