/** @file The suite `d3po`: the paper's experiments, and what explains them. */
import { join } from 'node:path';
import { z } from 'zod';
import { commandLine, whole } from '@/scripts/command-line';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { handsFolder } from '@/trainer/rounds/pipelines/resolve';
import { type ExperimentName, experiments } from '../experiment/catalogue';
import { suiteOptions } from '../options';
import { workFolder } from '../work-folder';
import { runExperiments } from './experiments';
import { flowTwin } from './flow';
import { showAgreement, showBetween } from './looks';
import type { Suite } from './suite';

const experimentNames = Object.keys(experiments) as ExperimentName[];
const { values } = commandLine({
  start: 'npm run reproduce --',
  about: `Runs the D3PO paper's experiments on hands with simulated annotators and writes a report with data, tables and
plots. Stopped, it goes on from the last finished round. Another suite: --suite methods.`,
  options: z.object({
    suite: z.literal('d3po').default('d3po').describe('which experiments'),
    flow: z
      .boolean()
      .default(false)
      .describe('on the rectified-flow twin of hands, by Flow-GRPO’s stochastic steps'),
    quick: z.boolean().default(false).describe('one short round, which must show an improvement'),
    agreement: z
      .boolean()
      .default(false)
      .describe('instead: where the gradients of two halves of the labels agree'),
    between: z
      .boolean()
      .default(false)
      .describe("instead: how much of a finished experiment's policy to take"),
    only: z
      .array(z.enum(experimentNames))
      .optional()
      .describe(`one of ${experimentNames.join(', ')}; may be given several times`),
    seed: whole(0).default(1).describe('of everything that chance decides'),
    ...suiteOptions,
  }),
});
const { quick, seed, device, flow } = values;
const out = flow ? join(values.out, 'flow') : values.out;
const pipeline = await openPipeline(flow ? await flowTwin(values.work) : handsFolder);
const work = await workFolder(values.work, pipeline);
const names = values.only ?? (quick ? ['blood' as const] : experimentNames);
const suite: Suite = { pipeline, device, names, seed, quick, flow, work, out };

let asItShould = true;
if (values.agreement) await showAgreement(suite);
else if (values.between) await showBetween(suite);
else asItShould = await runExperiments(suite);
process.exit(asItShould ? 0 : 1);
