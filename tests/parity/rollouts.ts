/**
 * @file Parity of reward-gradient methods: rewards, loss, penalty and adapter gradients over one
 * rollout.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Adapter, checkAdapter } from '@/trainer/diffusion/adapters/lora';
import { openPipeline } from '@/trainer/diffusion/pipelines/pipeline';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { float32, reshaped } from '@/trainer/graph/tensor';
import { draft } from '@/trainer/methods/draft';
import { draftPlus } from '@/trainer/methods/draft-plus';
import { initialState } from '@/trainer/methods/optimizer/optimizer';
import { trainableAdapter } from '@/trainer/methods/policy/trainable';
import type { RewardGradientMethod } from '@/trainer/methods/rollouts/plan';
import { RolloutTrainer } from '@/trainer/methods/rollouts/rollout-trainer';
import type { Engine } from '@/trainer/runtime/engine';
import { graphReward } from '../support/graph-reward';
import { Golden, readJson } from './golden';
import { type ParityCase, relativeError, relativeL2, tolerance } from './report';

interface RolloutCases {
  num_inference_steps: number;
  eta: number;
  guidance_scale: number;
  cases: Record<
    string,
    {
      trained_step_indices: number[];
      stop_gradient_at_unet_input: boolean;
      kl_coeff: number;
    }
  >;
}

/** Whichever of the reward-gradient cases `parity/` holds, with the pipeline of `tiny-sd/`. */
export async function rolloutCases(engine: Engine, folder: string): Promise<ParityCase[]> {
  const parity = join(folder, 'parity');
  if (!existsSync(join(parity, 'golden.json'))) return [];
  const { reward_gradient_methods: all } = await readJson<{
    reward_gradient_methods?: RolloutCases;
  }>(join(parity, 'golden.json'));
  if (!all) return [];
  return Object.keys(all.cases)
    .filter((name) => existsSync(join(parity, `${name}.safetensors`)))
    .map((name) => ({ name, run: () => checkCase(engine, folder, name, all) }));
}

/**
 * The method of a case. DRTune's steps are drawn at random, so the reference's take their place.
 */
function methodOf(settings: RolloutCases['cases'][string]): RewardGradientMethod {
  const trained = settings.trained_step_indices;
  const truncation = trained.length;
  if (settings.kl_coeff > 0) {
    return draftPlus({ truncation, kl: { coefficient: settings.kl_coeff, form: 'noise' } });
  }
  const plain = draft({ truncation });
  if (!settings.stop_gradient_at_unet_input) return plain;
  const plan: RewardGradientMethod['plan'] = (steps, random) => ({
    ...plain.plan(steps, random),
    trained,
    throughInput: false,
  });
  return { ...plain, plan };
}

async function checkCase(
  engine: Engine,
  folder: string,
  name: string,
  { num_inference_steps: steps, eta, guidance_scale: guidance, cases }: RolloutCases,
) {
  const golden = await Golden.read(join(folder, 'parity'), name);
  const pipeline = await openPipeline(join(folder, 'tiny-sd'));
  const rewardFile = join(folder, 'parity/reward/model.onnx');
  const lora = await Golden.read(join(folder, 'parity'), 'lora');
  const trainable = trainableAdapter(pipeline.denoiser.graph, 'attention', 4, 4);
  const adapter: Adapter = checkAdapter(lora.tensors, trainable.tensors, 'lora.safetensors');
  const [images, tokens, width] = golden.get('cond').dims as [number, number, number];
  const trainer = await RolloutTrainer.open(engine, {
    trainable,
    pipeline,
    emptyContext: { encoder_hidden_states: golden.floats('uncond', [tokens, width]) },
    settings: { steps, eta, guidance },
    images,
    method: methodOf(cases[name]!),
    reward: graphReward(await readOnnxFile(rewardFile), 'golden'),
    adamW: { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, maxGradNorm: 1 },
    learningRate: 0,
  });
  await trainer.load(initialState(adapter));
  const cond = golden.floats('cond').data;
  const { reports } = await trainer.step(
    [
      {
        latents: golden.floats('latents').data,
        contexts: Array.from({ length: images }, (_, i) => ({
          encoder_hidden_states: float32(
            [tokens, width],
            cond.subarray(i * tokens * width, (i + 1) * tokens * width),
          ),
        })),
        rewardFeeds: { text_embedding: golden.floats('text_embedding') },
        noise: () => new Float32Array(golden.get('latents').data.length),
      },
    ],
    Math.random,
  );
  const [report] = reports;
  const gradient = await trainer.gradient();
  await trainer.close();
  if (!report) throw new Error('no batch was reported');
  const kl = (cases[name]?.kl_coeff ?? 0) * report.kl;
  const wanted = golden.gradients();
  const one = (value: number) => float32([1], [value]);
  return {
    forward: Math.max(
      relativeError(
        reshaped(float32([report.final.length], report.final), golden.get('final_latents').dims),
        golden.get('final_latents'),
      ),
      relativeError(float32([images], report.rewards), golden.get('reward')),
      relativeError(one(report.kl), golden.get('kl')),
      relativeError(one(report.loss + kl), golden.get('loss')),
    ),
    gradient: relativeL2(
      [...wanted.keys()].map((key) => gradient.get(key) as never),
      [...wanted.values()],
    ),
    gradientLimit: tolerance.adapterGradient,
  };
}
