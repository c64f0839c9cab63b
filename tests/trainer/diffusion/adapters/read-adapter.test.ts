import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterFor } from '@/lib/exchange/adapter-file';
import { originalPath } from '@/lib/exchange/module-names';
import { goldenFolder } from '@/tests/support/golden';
import { jointPaths } from '@/tests/support/lora-tables';
import { type Adapter, adapterTensors } from '@/trainer/diffusion/adapters/lora';
import { type ReadOptions, readAdapter } from '@/trainer/diffusion/adapters/read-adapter';
import { type AdapterTargets, adapterSites } from '@/trainer/diffusion/adapters/sites';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { parseSafetensors, readSafetensors } from '@/trainer/formats/safetensors';
import { fromFloat32, toFloat32 } from '@/trainer/graph/float16';
import type { Graph, Node } from '@/trainer/graph/model';
import { readOnnxFile } from '@/trainer/graph/onnx/read';
import { float32, sizeOf, type Tensor, tensor } from '@/trainer/graph/tensor';
import { serializePolicy, type WeightsKind } from '@/trainer/rounds/train/policy-file';

let denoiser: Graph;
beforeAll(async () => {
  denoiser = await readOnnxFile(join(goldenFolder, 'tiny-sd/unet/model.onnx'));
});

/** Stable Diffusion 3 by its modules' names alone, which is all that finding sites goes by. */
const joint = ((): Graph => {
  const paths = jointPaths({ layers: 3, dual: 1 });
  const nodes = paths.map(
    (path): Node => ({
      name: `/${path.replaceAll('.', '/').replace(/\/(\d+)/g, '.$1')}/MatMul`,
      op: 'MatMul',
      domain: '',
      inputs: ['x', path],
      outputs: [`${path} out`],
      attributes: {},
    }),
  );
  const constants = new Map(paths.map((path) => [path, float32([6, 8], new Float32Array(48))]));
  const port = { name: 'hidden_states', dtype: 'float32', dims: [1, 6] } as const;
  return {
    source: 'sd3',
    name: 'sd3',
    irVersion: 8,
    opsets: {},
    inputs: [port],
    outputs: [],
    nodes,
    constants,
  };
})();

const all: AdapterTargets = 'attention+feed-forward+convolutions';

function drawn(graph: Graph, targets: AdapterTargets, rank: number): Adapter {
  return new Map(
    adapterTensors(adapterSites(graph, targets).values(), rank).map(({ name, dims }) => [
      name,
      float32(dims, gaussianNoise(name, sizeOf(dims))),
    ]),
  );
}

const constant = () => 0.5;
const read = (
  tensors: ReadonlyMap<string, Tensor>,
  {
    graph = denoiser,
    metadata = {},
    ...options
  }: Partial<ReadOptions> & {
    graph?: Graph;
    metadata?: Record<string, string>;
  } = {},
) =>
  readAdapter({ tensors: new Map(tensors), metadata }, graph, {
    source: 'lora.safetensors',
    gaussian: constant,
    ...options,
  });

/** What an adapter adds to the weight of a module: B·A, [out, in · k · k]. */
function added(adapter: ReadonlyMap<string, Tensor>, key: string): number[] {
  const down = adapter.get(`${key}.lora_A.weight`) as Tensor<'float32'>;
  const up = adapter.get(`${key}.lora_B.weight`) as Tensor<'float32'>;
  const rank = down.dims[0]!;
  const columns = down.data.length / rank;
  return Array.from({ length: up.dims[0]! * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    let sum = 0;
    for (let i = 0; i < rank; i++)
      sum += up.data[row * rank + i]! * down.data[i * columns + column]!;
    return sum;
  });
}

const worst = (a: readonly number[], b: readonly number[]) =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));

const moduleOf = (name: string) =>
  /^(?:unet|transformer)\.(.+)\.lora_[AB]\.weight$/.exec(name)![1]!;
const isDown = (name: string) => name.endsWith('lora_A.weight');

/** The same tensors under other names. */
function renamed(
  adapter: Adapter,
  nameOf: (module: string, down: boolean) => string,
): Map<string, Tensor> {
  return new Map(
    [...adapter].map(([name, value]) => [nameOf(moduleOf(name), isDown(name)), value]),
  );
}

const underscored = (path: string) => path.replaceAll('.', '_');
const ab = (down: boolean) => (down ? 'lora_A' : 'lora_B');
const side = (down: boolean) => (down ? 'down' : 'up');

describe('what Darkroom writes it reads', () => {
  it.each(['diffusers', 'kohya'] as const)(
    "under %s' names, for a UNet and a transformer",
    (naming) => {
      for (const graph of [denoiser, joint]) {
        const tensors = drawn(graph, all, 2);
        const kind: WeightsKind = { trainables: 'attention-ff-conv', loraRank: 2, loraAlpha: 2 };
        const bytes = adapterFor(naming, serializePolicy({ kind, pipelineHash: 'hash', tensors }));
        const file = parseSafetensors(bytes, 'lora.safetensors');
        const told = read(file.tensors, { graph, metadata: file.metadata });
        expect(told).toEqual({ targets: all, rank: 2, tensors, notes: [] });
      }
    },
  );
});

describe('what other programs write', () => {
  it('is read as diffusers wrote it', async () => {
    const { tensors, metadata } = await readSafetensors(
      join(goldenFolder, 'parity/lora.safetensors'),
    );
    const told = read(tensors, { metadata });
    expect(told).toMatchObject({ targets: 'attention', rank: 4, notes: [] });
    expect([...told.tensors].sort()).toEqual([...tensors].sort());
  });

  it.each([
    ["PEFT's", (m: string, d: boolean) => `base_model.model.${m}.${ab(d)}.weight`],
    ["PEFT's with an adapter's name", (m, d) => `unet.${m}.${ab(d)}.default.weight`],
    ["diffusers' scripts'", (m, d) => `unet.${m}.lora.${side(d)}.weight`],
    ['bare', (m, d) => `${m}.${ab(d)}.weight`],
    ["LyCORIS'", (m, d) => `lycoris_${underscored(m)}.lora_${side(d)}.weight`],
    [
      "kohya's SDXL trainer's",
      (m, d) => `lora_unet_${underscored(originalPath(m, 1)!)}.lora_${side(d)}.weight`,
    ],
    ['their dotted', (m, d) => `diffusion_model.${originalPath(m, 1)!}.lora_${side(d)}.weight`],
  ] as [string, (module: string, down: boolean) => string][])(
    'is read under %s names',
    (_, nameOf) => {
      const tensors = drawn(denoiser, all, 2);
      expect(read(renamed(tensors, nameOf)).tensors).toEqual(tensors);
    },
  );

  it("is read under the names of diffusers' former attention processors", () => {
    const tensors = drawn(denoiser, 'attention', 2);
    const former = renamed(tensors, (module, down) => {
      const [, attention, projection] = /^(.+)\.(to_\w+)(?:\.0)?$/.exec(
        module,
      ) as unknown as string[];
      return `unet.${attention}.processor.${projection}_lora.${side(down)}.weight`;
    });
    expect(read(former).tensors).toEqual(tensors);
  });

  it("is read under OneTrainer's names of a transformer, and its authors'", () => {
    const tensors = drawn(joint, 'attention', 2);
    const oneTrainer = renamed(
      tensors,
      (module, down) => `lora_transformer_${underscored(module)}.lora_${side(down)}.weight`,
    );
    expect(read(oneTrainer, { graph: joint }).tensors).toEqual(tensors);
  });

  it('one product of query, key and value is shared out, of one rank for all', () => {
    const name = 'diffusion_model.joint_blocks.0.context_block.attn.qkv';
    const down = float32([2, 6], gaussianNoise('down', 12));
    const up = float32([24, 2], gaussianNoise('up', 48));
    const { tensors, rank } = read(
      new Map<string, Tensor>([
        [`${name}.lora_A.weight`, down],
        [`${name}.lora_B.weight`, up],
      ]),
      { graph: joint },
    );
    expect(rank).toBe(2);
    for (const [i, projection] of ['add_q_proj', 'add_k_proj', 'add_v_proj'].entries()) {
      const key = `transformer.transformer_blocks.0.attn.${projection}`;
      expect(tensors.get(`${key}.lora_A.weight`)).toEqual(down);
      expect(tensors.get(`${key}.lora_B.weight`)!.data).toEqual(
        up.data.slice(16 * i, 16 * (i + 1)),
      );
    }
  });

  it.each(['float16', 'bfloat16', 'float64'] as const)('is read in %s', (dtype) => {
    const tensors = drawn(denoiser, 'attention', 2);
    const stored = new Map(
      [...tensors].map(([name, { dims, data }]): [string, Tensor] => [
        name,
        dtype === 'bfloat16'
          ? tensor(
              dtype,
              dims,
              Uint16Array.from(new Uint32Array(data.slice().buffer), (bits) => bits >>> 16),
            )
          : fromFloat32(dtype, dims, data),
      ]),
    );
    const told = read(stored).tensors;
    for (const [name, value] of stored) expect(told.get(name)!.data).toEqual(toFloat32(value));
  });
});

const q = 'mid_block.attentions.0.transformer_blocks.0.attn1.to_q';
const k = 'mid_block.attentions.0.transformer_blocks.0.attn1.to_k';

/** Two modules of ranks 1 and 3, kohya's way, with the alphas given. */
function uneven(alphas: { q?: number; k?: number } = {}): Map<string, Tensor> {
  const { outFeatures, inFeatures } = [...adapterSites(denoiser, 'attention').values()].find(
    ({ key }) => key === q,
  )!;
  const of = (module: string, rank: number, alpha: number | undefined): [string, Tensor][] => {
    const name = `lora_unet_${underscored(module)}`;
    return [
      [
        `${name}.lora_down.weight`,
        float32([rank, inFeatures], gaussianNoise(`${name} a`, rank * inFeatures)),
      ],
      [
        `${name}.lora_up.weight`,
        float32([outFeatures, rank], gaussianNoise(`${name} b`, rank * outFeatures)),
      ],
      ...(alpha === undefined ? [] : [[`${name}.alpha`, float32([], [alpha])] as [string, Tensor]]),
    ];
  };
  return new Map([...of(q, 1, alphas.q), ...of(k, 3, alphas.k)]);
}

const asPairs = (file: ReadonlyMap<string, Tensor>) =>
  new Map(
    [...file].map(([name, value]) => [
      name
        .replace(`lora_unet_${underscored(q)}`, `unet.${q}`)
        .replace(`lora_unet_${underscored(k)}`, `unet.${k}`)
        .replace('lora_down', 'lora_A')
        .replace('lora_up', 'lora_B'),
      value,
    ]),
  );

describe('what an adapter adds', () => {
  it('stays the same where ranks differ, and the rest starts anew', () => {
    const file = uneven();
    const { rank, tensors, notes } = read(file);
    expect(rank).toBe(3);
    for (const module of [q, k]) {
      expect(worst(added(tensors, `unet.${module}`), added(asPairs(file), `unet.${module}`))).toBe(
        0,
      );
    }
    const other = 'unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_v';
    expect(added(tensors, other).every((value) => value === 0)).toBe(true);
    // Both at zero would never learn: A is not.
    expect(tensors.get(`${other}.lora_A.weight`)!.data[0]).toBeCloseTo(0.5 / 3);
    expect(notes).toEqual([
      'Ranks from 1 on are widened to 3; that changes nothing.',
      '30 of 32 modules are not in it and start anew.',
    ]);
  });

  const patterns = (own: Record<string, unknown>) => ({
    lora_adapter_metadata: JSON.stringify(
      Object.fromEntries(Object.entries(own).map(([key, value]) => [`unet.${key}`, value])),
    ),
  });
  it.each([
    ['tensors', { q: 2, k: 6 }, {}, [2, 2]],
    ['tensors rather than the header', { q: 2, k: 6 }, patterns({ lora_alpha: 9 }), [2, 2]],
    ['tensors, 0 for the rank', { q: 0, k: 6 }, {}, [1, 2]],
    ['the header', {}, patterns({ r: 3, lora_alpha: 6 }), [6, 2]],
    ['a pattern', {}, patterns({ lora_alpha: 6, alpha_pattern: { 'attn1.to_q': 4 } }), [4, 2]],
    ['a whole path', {}, patterns({ lora_alpha: 6, alpha_pattern: { [`^${q}`]: 4 } }), [4, 2]],
    ['no such path', {}, patterns({ lora_alpha: 6, alpha_pattern: { '^attn1.to_q': 4 } }), [6, 2]],
    [
      'the root of the rank',
      {},
      patterns({ lora_alpha: 6, use_rslora: true }),
      [6, 6 / Math.sqrt(3)],
    ],
    ["a model's own header", {}, { lora_adapter_metadata: '{"lora_alpha": 3}' }, [3, 1]],
    ["kohya's header", {}, { ss_network_alpha: '6' }, [6, 2]],
    ["Darkroom's header", {}, { darkroom: '{"loraRank": 3, "loraAlpha": 6}' }, [6, 2]],
    ['nowhere', {}, { ss_network_alpha: 'None' }, [1, 1]],
  ] as [string, { q?: number; k?: number }, Record<string, string>, [number, number]][])(
    'counts alpha from %s',
    (_, alphas, metadata, [ofQ, ofK]) => {
      const file = uneven(alphas);
      const { tensors } = read(file, { metadata });
      const pairs = asPairs(file);
      for (const [module, scale] of [
        [q, ofQ],
        [k, ofK],
      ] as const) {
        const wanted = added(pairs, `unet.${module}`).map((value) => value * scale);
        expect(worst(added(tensors, `unet.${module}`), wanted)).toBeLessThan(1e-5);
      }
    },
  );

  it("counts alpha from PEFT's configuration beside the file", () => {
    const file = uneven();
    const { tensors } = read(file, { config: { peft_type: 'LORA', lora_alpha: 6 } });
    const wanted = added(asPairs(file), `unet.${k}`).map((value) => value * 2);
    expect(worst(added(tensors, `unet.${k}`), wanted)).toBeLessThan(1e-5);
  });

  it('is the same of a convolution in three parts', () => {
    const name = 'lora_unet_mid_block_resnets_0_conv1';
    const { inFeatures, outFeatures } = [...adapterSites(denoiser, all).values()].find(
      ({ key }) => key === 'mid_block.resnets.0.conv1',
    )!;
    const [down, mid, up] = [
      float32([2, inFeatures, 1, 1], gaussianNoise('d', 2 * inFeatures)),
      float32([2, 2, 3, 3], gaussianNoise('m', 36)),
      float32([outFeatures, 2, 1, 1], gaussianNoise('u', 2 * outFeatures)),
    ];
    const { targets, tensors } = read(
      new Map([
        [`${name}.lora_down.weight`, down],
        [`${name}.lora_mid.weight`, mid],
        [`${name}.lora_up.weight`, up],
      ]),
    );
    expect(targets).toBe(all);
    const told = added(tensors, 'unet.mid_block.resnets.0.conv1');
    // ΔW[o, i, h, w] = Σ up[o, a] mid[a, b, h, w] down[b, i]
    const wanted = told.map((_, at) => {
      const [o, i, tap] = [
        Math.floor(at / (9 * inFeatures)),
        Math.floor(at / 9) % inFeatures,
        at % 9,
      ];
      let sum = 0;
      for (const a of [0, 1]) {
        for (const b of [0, 1]) {
          sum +=
            up.data[2 * o + a]! * mid.data[(2 * a + b) * 9 + tap]! * down.data[b * inFeatures + i]!;
        }
      }
      return sum;
    });
    expect(worst(told, wanted)).toBeLessThan(1e-5);
  });
});

describe('is refused by name', () => {
  const one = float32([1, 1], [1]);
  const name = `lora_unet_${underscored(q)}`;
  it.each([
    ['DoRA', { [`${name}.dora_scale`]: one }, /dora_scale": that is DoRA/],
    ['LoHa', { [`${name}.hada_w1_a`]: one }, /hada_w1_a": that is LoHa/],
    ['LoKr', { [`${name}.lokr_w1`]: one }, /lokr_w1": that is LoKr/],
    ['OFT', { [`${name}.oft_blocks`]: one }, /that is OFT/],
    ['whole weights', { [`${name}.diff`]: one }, /that is whole weights/],
    ['a checkpoint', { 'conv_in.weight': one }, /"conv_in\.weight", which is no tensor of a LoRA/],
    [
      'parts of a text encoder',
      { 'lora_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight': one },
      /also changes a text encoder \("lora_te_text_model.+--without-text/,
    ],
    [
      "another model's module",
      { 'unet.down_blocks.7.attentions.0.to_q.lora_A.weight': one },
      /changes the module down_blocks\.7\.attentions\.0\.to_q \(\[1,1\]\), which this model does not have/,
    ],
    ['half an adapter', { [`${name}.lora_down.weight`]: one }, /only A of .+attn1_to_q/],
    [
      'another width',
      { [`${name}.lora_down.weight`]: one, [`${name}.lora_up.weight`]: one },
      /A \[1,1\] and B \[1,1\] of .+ do not fit this model, where it takes 64/,
    ],
    ['nothing', {}, /holds no LoRA/],
  ] as [string, Record<string, Tensor>, RegExp][])('%s', (_, tensors, message) => {
    expect(() => read(new Map(Object.entries(tensors)))).toThrow(message);
  });

  it('what would be applied twice, is not finite, or goes by an expression', () => {
    const file = uneven();
    const twice = new Map([...file, ...asPairs(file)]);
    expect(() => read(twice)).toThrow(/an adapter of .+attn1\.to_q twice, under two names/);
    const broken = new Map(file);
    broken.set(`${name}.alpha`, float32([], [Number.NaN]));
    expect(() => read(broken)).toThrow(/holds NaN in .+attn1_to_q/);
    broken.delete(`${name}.alpha`);
    broken.set(
      `${name}.lora_up.weight`,
      float32([64, 1], new Float32Array(64).fill(Number.POSITIVE_INFINITY)),
    );
    expect(() => read(broken)).toThrow(/holds Infinity in .+attn1_to_q/);
    const metadata = { lora_adapter_metadata: '{"unet.alpha_pattern": {".*to_q": 2}}' };
    expect(() => read(file, { metadata })).toThrow(/the expression "\.\*to_q"/);
    const dora = { lora_adapter_metadata: '{"unet.use_dora": true}' };
    expect(() => read(file, { metadata: dora })).toThrow(/is DoRA/);
  });

  it('but parts of a text encoder are left out when that is asked for', () => {
    const file = new Map(uneven());
    file.set('text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_A.weight', one);
    const { notes } = read(file, { withoutText: true });
    expect(notes[0]).toBe('1 tensors for text encoders are left out.');
  });
});
