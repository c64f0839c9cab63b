/**
 * @file A LoRA file from elsewhere as the start of a lineage: checked against the pipeline's own
 * modules, kept as a policy of its base.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { putBlob } from '@/db/blobs/blobs';
import { sha256 } from '@/db/blobs/store';
import { derivedId } from '@/db/ids';
import { createPolicy, type Policy } from '@/db/policies/policies';
import { AppError } from '@/lib/errors';
import { moduleNamingOf } from '@/lib/exchange/module-names';
import { readAdapter } from '@/trainer/diffusion/adapters/read-adapter';
import { parseSafetensors } from '@/trainer/formats/safetensors';
import { randomOf } from '../draw/random';
import { openBase } from '../pipelines/resolve';
import { trainablesOf } from '../train/method-settings';
import { serializePolicy, type WeightsKind, weightsOf } from '../train/policy-file';

export interface ImportedAdapter {
  policy: Policy;
  kind: WeightsKind;
  /** What was done to it. */
  notes: readonly string[];
}

export interface AdapterSource {
  /** The base policy of the pipeline that it is for. */
  base: Policy;
  file: string;
  /** What the policy is called; null: as the file is. */
  name: string | null;
  /** Leaves out what it says of text encoders. */
  withoutText: boolean;
}

/**
 * Takes a LoRA file up as a policy whose parent is the pipeline's base. The same file again is the
 * same policy. Throws what is wrong with the file or the pipeline, and keeps nothing then.
 */
export async function importAdapter(source: AdapterSource): Promise<ImportedAdapter> {
  const { base } = source;
  const bytes = await readFile(source.file).catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === 'ENOENT';
    throw new AppError(
      missing ? 'not-found' : 'bad-request',
      missing
        ? `${source.file} does not exist: check the path.`
        : `${source.file} cannot be read (${cause.code}). Give a LoRA file in safetensors.`,
      { cause },
    );
  });
  const fileHash = sha256(bytes);
  const { pipeline, hash } = await openBase(base);
  const { targets, rank, tensors, notes } = readAdapter(
    parseSafetensors(bytes, source.file),
    pipeline.denoiser.graph,
    {
      source: source.file,
      gaussian: randomOf('imported adapter', fileHash).gaussian,
      config: await configBeside(source.file),
      withoutText: source.withoutText,
    },
  );
  const kind = { trainables: trainablesOf(targets), loraRank: rank, loraAlpha: rank };
  const file = { kind, pipelineHash: hash, tensors };
  weightsOf(pipeline.denoiser.graph, file, source.file);
  const adapterBlob = await putBlob(serializePolicy(file));
  const { width, height } = base.manifest;
  const policy = await createPolicy({
    id: derivedId(base.id, 'adapter', adapterBlob),
    name: source.name ?? basename(source.file, '.safetensors'),
    parentId: base.id,
    pipeline: base.pipeline,
    adapterBlob,
    hash: sha256(new TextEncoder().encode(JSON.stringify([hash, adapterBlob]))),
    manifest: {
      width,
      height,
      modules: moduleNamingOf(tensors.keys()),
      imported: { file: basename(source.file), sha256: fileHash, notes },
      config: { training: kind },
    },
    roundId: null,
  });
  return { policy, kind, notes };
}

/** PEFT keeps alpha in a file beside its adapter, which has always the same name. */
async function configBeside(file: string): Promise<unknown> {
  const beside = join(dirname(file), 'adapter_config.json');
  if (basename(file) !== 'adapter_model.safetensors' || !existsSync(beside)) return undefined;
  try {
    return JSON.parse(await readFile(beside, 'utf8'));
  } catch (cause) {
    throw new AppError('unprocessable', `${beside} is no JSON. Save the adapter again.`, { cause });
  }
}
