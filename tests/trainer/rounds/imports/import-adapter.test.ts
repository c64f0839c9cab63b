import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keepFolder } from '@/db/policies/pipeline-folders';
import { ensureBasePolicy, listPolicies, type Policy } from '@/db/policies/policies';
import { adapterFor } from '@/lib/exchange/adapter-file';
import { pipelineHash } from '@/trainer/diffusion/pipelines/hash';
import { gaussianNoise } from '@/trainer/diffusion/sampling/noise';
import { parseSafetensors, serializeSafetensors } from '@/trainer/formats/safetensors';
import { float32, type Tensor } from '@/trainer/graph/tensor';
import { importAdapter, loraFileAt } from '@/trainer/rounds/imports/import-adapter';
import { openPolicy } from '@/trainer/rounds/pipelines/resolve';
import { serializePolicy, startingTensors } from '@/trainer/rounds/train/policy-file';
import { withHomes, withTinyPipeline } from '../support';

const tiny = withTinyPipeline();
const homes = withHomes();
let folder: string;
let base: Policy;
/** What the file adds at every module: B is not zero. */
let tensors: Map<string, Tensor<'float32'>>;
const kind = { trainables: 'attention', loraRank: 2, loraAlpha: 4 } as const;

beforeAll(async () => {
  await homes.make();
  folder = await mkdtemp(join(tmpdir(), 'darkroom-lora-'));
  const hash = await pipelineHash(tiny.folder);
  keepFolder({ pipeline: 'tiny', hash, folder: tiny.folder });
  const manifest = { width: 32, height: 32 };
  base = await ensureBasePolicy({ pipeline: 'tiny', name: 'tiny', hash, manifest });
  const { pipeline } = await openPolicy(base.id);
  tensors = new Map(
    [...startingTensors(pipeline.denoiser.graph, kind, null, [1])].map(([name, { dims, data }]) => [
      name,
      float32(dims, gaussianNoise(name, data.length)),
    ]),
  );
});
afterAll(() => rm(folder, { recursive: true }));

const bring = async (file: string, name: string | null = null) =>
  importAdapter({ base, file: await loraFileAt(file), name, withoutText: false });

it('takes up a file of kohya’s as a policy that runs may start from, once', async () => {
  const file = join(folder, 'add_detail.safetensors');
  const stored = serializePolicy({ kind, pipelineHash: 'of another program', tensors });
  await writeFile(file, adapterFor('kohya', stored));
  const { policy, notes } = await bring(file);
  expect(notes).toEqual([]);
  expect(policy).toMatchObject({ name: 'add_detail', parentId: base.id, pipeline: 'tiny' });
  expect(policy.manifest).toMatchObject({
    width: base.manifest.width,
    imported: { file: 'add_detail.safetensors' },
    config: { training: { trainables: 'attention', loraRank: 2, loraAlpha: 2 } },
  });
  const opened = await openPolicy(policy.id);
  expect(opened.file?.kind).toEqual({ ...kind, loraAlpha: 2 });
  for (const [name, { data }] of tensors) {
    // Alpha of twice the rank went into B.
    const wanted = name.endsWith('lora_B.weight') ? data.map((value) => 2 * value) : data;
    expect(opened.weights?.tensors.get(name)?.data).toEqual(wanted);
  }
  expect((await bring(file, 'again')).policy).toEqual(policy);
  expect(await listPolicies('tiny')).toHaveLength(2);
});

it("counts the alpha of PEFT's configuration beside its file", async () => {
  const file = join(folder, 'adapter_model.safetensors');
  const peft = [...tensors].map(([name, value]) => [
    name.replace('unet.', 'base_model.model.'),
    value,
  ]);
  await writeFile(file, serializeSafetensors(new Map(peft as [string, Tensor][])));
  await writeFile(join(folder, 'adapter_config.json'), JSON.stringify({ r: 2, lora_alpha: 6 }));
  const { policy } = await bring(file, 'by PEFT');
  const { weights } = await openPolicy(policy.id);
  const [name] = [...tensors.keys()].filter((key) => key.endsWith('lora_B.weight'));
  const wanted = tensors.get(name!)!.data.map((value) => 3 * value);
  expect(weights?.tensors.get(name!)?.data).toEqual(wanted);
  expect(policy.name).toBe('by PEFT');
});

it('keeps nothing of a file that it refuses', async () => {
  const count = (await listPolicies('tiny')).length;
  const refused = async (name: string, bytes: Uint8Array, message: RegExp) => {
    const file = join(folder, name);
    await writeFile(file, bytes);
    await expect(bring(file)).rejects.toThrow(message);
  };
  const whole = parseSafetensors(serializePolicy({ kind, pipelineHash: '', tensors }), 'x').tensors;
  const dora = new Map(whole).set('unet.conv_in.lora_magnitude_vector', float32([1], [1]));
  await refused('dora.safetensors', serializeSafetensors(dora), /dora\.safetensors.+DoRA/);
  await refused(
    'pickle.pt',
    new TextEncoder().encode('PK\u0003\u0004 archive/data.pkl'),
    /pickle\.pt/,
  );
  await expect(bring(join(folder, 'none'))).rejects.toThrow(/none does not exist/);
  await expect(bring(folder)).rejects.toThrow(/cannot be read \(EISDIR\)/);
  expect(await listPolicies('tiny')).toHaveLength(count);
});
