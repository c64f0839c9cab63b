/** @file AdamW parity: steps with gradient clipping against torch.optim.AdamW. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type AdamWSettings, adamWFeeds, appendAdamW } from '@/trainer/autodiff/adamw';
import { Builder } from '@/trainer/graph/builder';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, type Tensor, zeros } from '@/trainer/graph/tensor';
import { type Engine, outputOf } from '@/trainer/runtime/engine';
import { Golden, readJson } from './golden';
import { type ParityCase, relativeError } from './report';

interface AdamWCase {
  lr: number;
  betas: [number, number];
  eps: number;
  weight_decay: number;
  max_grad_norm: number;
}

/** `parity/adamw.safetensors`, where there is one. */
export async function adamWCases(engine: Engine, folder: string): Promise<ParityCase[]> {
  const there = existsSync(join(folder, 'parity/adamw.safetensors'));
  return there ? [{ name: 'adamw', run: () => replay(engine, join(folder, 'parity')) }] : [];
}

/** Gradients [steps, n] from `initial` [n] to `weights` [steps, n]. */
async function replay(engine: Engine, parity: string) {
  const { adamw } = await readJson<{ adamw: AdamWCase }>(join(parity, 'golden.json'));
  const golden = await Golden.read(parity, 'adamw');
  const settings: AdamWSettings = {
    beta1: adamw.betas[0],
    beta2: adamw.betas[1],
    epsilon: adamw.eps,
    weightDecay: adamw.weight_decay,
    maxGradNorm: adamw.max_grad_norm,
  };
  const [steps, n] = golden.get('gradients').dims as [number, number];
  const b = new Builder('adamw');
  const [value, gradient, firstMoment, secondMoment] = ['w', 'g', 'm', 'v'].map((name) =>
    b.input(name, 'float32', [n]),
  ) as [string, string, string, string];
  const { updated } = appendAdamW(b, [{ value, gradient, firstMoment, secondMoment }], settings);
  b.output(updated[0]?.value as string, 'w.next');
  b.output(updated[0]?.firstMoment as string, 'm.next');
  b.output(updated[0]?.secondMoment as string, 'v.next');
  const session = await engine.load(serializeOnnx(b.finish()), { name: 'adamw' });
  let state: Record<string, Tensor> = {
    w: golden.floats('initial'),
    m: zeros('float32', [n]),
    v: zeros('float32', [n]),
  };
  const reached: number[] = [];
  for (let step = 0; step < steps; step++) {
    const g = float32([n], golden.floats('gradients').data.slice(step * n, (step + 1) * n));
    const out = await session.run({ ...state, g, ...adamWFeeds(step + 1, adamw.lr, settings) }, {});
    state = { w: out['w.next']!, m: out['m.next']!, v: out['v.next']! };
    reached.push(...outputOf(out, 'w.next', 'float32').data);
  }
  await session.release();
  return { forward: relativeError(float32([steps, n], reached), golden.get('weights')) };
}
