/**
 * @file A LoRA file from elsewhere as the start of a lineage: checked against the pipeline's own
 * modules, kept as a policy of its base.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { getBlob, putBlob } from '@/db/blobs/blobs';
import { sha256 } from '@/db/blobs/store';
import { derivedId } from '@/db/ids';
import { createPolicy, type Policy } from '@/db/policies/policies';
import { AppError } from '@/lib/errors';
import { moduleNamingOf } from '@/lib/exchange/module-names';
import { families } from '@/lib/families';
import type { ImportStage, LoraUpload } from '@/lib/pipeline-imports';
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

/** A LoRA file, read. */
export interface LoraFile {
  /** Its path, or the name under which it was sent. */
  source: string;
  bytes: Uint8Array;
  /** PEFT's `adapter_config.json`, where it lies beside the file. */
  config?: unknown;
}

/** How far a stage is. */
type Note = (stage: ImportStage, done: number, total: number) => Promise<void>;

export interface AdapterSource {
  /** The base policy of the pipeline that it is for. */
  base: Policy;
  file: LoraFile;
  /** What the policy is called; null: as the file is. */
  name: string | null;
  /** Leaves out what it says of text encoders. */
  withoutText: boolean;
}

/**
 * Takes a LoRA file up as a policy whose parent is the pipeline's base. The same file again is the
 * same policy. Throws what is wrong with the file or the pipeline, and keeps nothing then.
 */
export async function importAdapter(
  source: AdapterSource,
  note: Note = async () => {},
): Promise<ImportedAdapter> {
  const { base, withoutText } = source;
  const { source: named, bytes, config } = source.file;
  const read = parseSafetensors(bytes, named);
  const fileHash = sha256(bytes);
  await note('base', 0, 1);
  const { pipeline, hash } = await openBase(base);
  const size = read.tensors.size;
  await note('modules', 0, size);
  const { targets, rank, tensors, notes } = readAdapter(read, pipeline.denoiser.graph, {
    source: named,
    gaussian: randomOf('imported adapter', fileHash).gaussian,
    config,
    withoutText,
  });
  const kind = { trainables: trainablesOf(targets), loraRank: rank, loraAlpha: rank };
  const file = { kind, pipelineHash: hash, tensors };
  weightsOf(pipeline.denoiser.graph, file, named);
  await note('modules', size, size);
  const adapterBlob = await putBlob(serializePolicy(file));
  const { width, height } = base.manifest;
  const policy = await createPolicy({
    id: derivedId(base.id, 'adapter', adapterBlob),
    name: source.name ?? basename(named).replace(/\.safetensors$/i, ''),
    parentId: base.id,
    pipeline: base.pipeline,
    adapterBlob,
    hash: sha256(new TextEncoder().encode(JSON.stringify([hash, adapterBlob]))),
    manifest: {
      width,
      height,
      modules: moduleNamingOf(tensors.keys(), families[pipeline.family].modules),
      imported: { file: basename(named), sha256: fileHash, notes },
      config: { training: kind },
    },
    roundId: null,
  });
  return { policy, kind, notes };
}

/** A LoRA file on this machine, with PEFT's configuration beside it. */
export async function loraFileAt(path: string): Promise<LoraFile> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === 'ENOENT';
    throw new AppError(
      missing ? 'not-found' : 'bad-request',
      missing
        ? `${path} does not exist: check the path.`
        : `${path} cannot be read (${cause.code}). Give a LoRA file in safetensors.`,
      { cause },
    );
  });
  return { source: path, bytes, config: await configBeside(path) };
}

/** A LoRA file that was sent, of its portions. */
export async function uploadedLora({ name, portions }: LoraUpload, note: Note): Promise<LoraFile> {
  const read: Uint8Array[] = [];
  const mega = (count: number) => Math.round((count * (read[0]?.length ?? 0)) / 1e6);
  for (const portion of portions) {
    read.push(
      await getBlob(portion).catch((cause: unknown) => {
        throw new AppError(
          'not-found',
          `A part of ${name} is not kept any more. Send the file again.`,
          { cause },
        );
      }),
    );
    await note('file', mega(read.length), mega(portions.length));
  }
  return { source: name, bytes: Buffer.concat(read) };
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
