/**
 * @file The work of importing a pipeline: its folder is looked at, hashed, tried from end to end
 * and measured, and only then known. What a stage has found stays found: whoever goes on after a
 * kill begins with the stage that was under way.
 */
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { putBlob } from '@/db/blobs/blobs';
import { modelsRoot } from '@/db/policies/models-root';
import { keepFolder } from '@/db/policies/pipeline-folders';
import { namePipeline, noteImportProgress } from '@/db/policies/pipeline-imports';
import { getPolicy } from '@/db/policies/policies';
import { finishAdapterImport, finishPipelineImport } from '@/db/work/results';
import { AppError } from '@/lib/errors';
import {
  type FoundPipeline,
  foundPartSchema,
  type ImportStage,
  importImage,
  measuredSizeSchema,
} from '@/lib/pipeline-imports';
import { encodePng } from '@/trainer/diffusion/images/png';
import { drawableSizes } from '@/trainer/diffusion/images/sizes';
import { imageSizeOf } from '@/trainer/diffusion/images/vae-encoder';
import { pipelineFiles } from '@/trainer/diffusion/pipelines/hash';
import { PromptEncoder } from '@/trainer/diffusion/pipelines/networks';
import type { Pipeline } from '@/trainer/diffusion/pipelines/pipeline';
import type { Engine } from '@/trainer/runtime/engine';
import { knownPipelineHash } from '../../known-hash';
import { openedPipeline } from '../pipelines/opened';
import type { Assignment } from '../worker/assignment';
import { adapterKinds, tryAdapters } from './adapter-gradients';
import { builtIns } from './built-in';
import { checkConfigurations, familyOf } from './configurations';
import { drawOne } from './draw-one';
import { checkFolder, refuseOutside } from './folder';
import { importAdapter, loraFileAt, uploadedLora } from './import-adapter';
import { machineText, measureSizes } from './measure/measure';
import { networksOf, triedPrompts, tryNetworks } from './networks';
import { partNames, partOf } from './parts';
import { suggestionsFor } from './suggestions';

/** What the stages have found so far, of the files of one hash. */
const cursorSchema = z.object({
  hash: z.string(),
  networks: z.literal(true).optional(),
  adapterSites: z.record(z.string(), z.number().nullable()).optional(),
  imageBlob: z.string().optional(),
  measured: z.array(measuredSizeSchema).optional(),
});

type Cursor = z.infer<typeof cursorSchema>;

/** Pages need not hear of progress more often. */
const noteEveryMs = 500;

/** Takes up the pipeline in the folder that was asked for. */
export async function importPipeline(
  assignment: Assignment<'import-pipeline'>,
  engine: Engine,
): Promise<void> {
  const { options, createdBy } = assignment.pipelineImport;
  if (options.adapterOf !== undefined) return importLora(assignment, options.adapterOf);
  const note = noting(assignment);
  const made = options.builtIn && builtIns[options.builtIn];
  const folder = made ? await made.folder() : assignment.pipelineImport.folder;
  await checkFolder(folder);
  if (!made) await refuseOutsideRoot(folder, createdBy);
  await checkConfigurations(folder);
  const names = await partNames(folder);
  const parts: FoundPipeline['parts'] = [];
  for (const name of names) {
    await note('read', parts.length, names.length);
    parts.push(foundPartSchema.parse(await partOf(folder, name)));
  }
  const hash = await hashed(assignment, folder, note);
  const { name, known } = await namePipeline(hash, folder, options);
  // Known files in another place: nothing about them is new but the place.
  const found = known?.manifest.found;
  if (known && found?.drawable !== undefined && options.sizes.length === 0) {
    keepFolder({ pipeline: name, hash, folder });
    await assignment.complete((claim) =>
      finishPipelineImport({
        ...claim,
        registered: { hash, manifest: { ...known.manifest, found } },
      }),
    );
    return;
  }
  const { pipeline, hash: opened } = await openedPipeline(folder);
  if (opened !== hash) {
    throw new AppError(
      'unavailable',
      `Files in ${folder} were written while they were read. Wait until nothing writes there any more, then try again.`,
    );
  }
  const tried = await tryAll(assignment, engine, pipeline, hash, note);
  const size = imageSizeOf(pipeline);
  const registered = {
    hash,
    manifest: {
      ...size,
      schedule: pipeline.scheduler.text,
      ...((await made?.manifest()) ?? suggestionsFor(name, pipeline.scheduler.process)),
      found: {
        family: await familyOf(folder),
        parts,
        scheduler: pipeline.scheduler.text,
        adapterSites: tried.adapterSites,
        promptTokens: pipeline.measure.room,
        ...size,
        drawable: await drawableSizes(pipeline),
        measured: { ...machineText(engine.device), sizes: tried.measured },
      },
    },
  };
  // First the place: a base policy whose folder nobody knows could not be drawn with.
  keepFolder({ pipeline: name, hash, folder });
  await assignment.complete((claim) => finishPipelineImport({ ...claim, registered }));
}

/** Takes up the LoRA file that was asked for. */
async function importLora(
  assignment: Assignment<'import-pipeline'>,
  adapterOf: string,
): Promise<void> {
  const { folder: path, options, createdBy } = assignment.pipelineImport;
  const { name, upload, withoutText = false } = options;
  const note = noting(assignment);
  if (createdBy !== null && !upload) {
    await refuseOutside(modelsRoot(), dirname(path), [basename(path)]);
  }
  const { policy } = await importAdapter(
    {
      base: await getPolicy(adapterOf),
      file: upload ? await uploadedLora(upload, note) : await loraFileAt(path),
      name,
      withoutText,
    },
    note,
  );
  await assignment.complete((claim) => finishAdapterImport({ ...claim, policyId: policy.id }));
}

type Note = (stage: ImportStage, done: number, total: number, imageBlob?: string) => Promise<void>;

/** Says how far it is, not too often, and hears whether to go on. */
function noting({ pipelineImport, signal }: Assignment<'import-pipeline'>): Note {
  let notedAt = Number.NEGATIVE_INFINITY;
  let last: ImportStage | undefined;
  return async (stage, done, total, imageBlob) => {
    signal.throwIfAborted();
    const now = performance.now();
    if (stage === last && now - notedAt < noteEveryMs && done < total) return;
    [notedAt, last] = [now, stage];
    const progress = { stage, done, total };
    await noteImportProgress(pipelineImport.id, { progress, ...(imageBlob && { imageBlob }) });
  };
}

/** What a page asks for stays under the root; whoever sits at the machine may go anywhere. */
async function refuseOutsideRoot(folder: string, createdBy: string | null): Promise<void> {
  if (createdBy === null) return;
  const { hashed: files, measuring } = await pipelineFiles(folder);
  await refuseOutside(modelsRoot(), folder, [...files, ...measuring]);
}

async function hashed(
  { signal }: Assignment<'import-pipeline'>,
  folder: string,
  note: Note,
): Promise<string> {
  const mega = (bytes: number) => Math.round(bytes / 1e6);
  let noted = Promise.resolve();
  const hash = await knownPipelineHash(folder, (done, total) => {
    signal.throwIfAborted();
    noted = noted.then(() => note('hash', mega(done), mega(total)));
    // Awaited below; a failure until then is no unhandled one.
    noted.catch(() => {});
  });
  await noted;
  return hash;
}

async function tryAll(
  assignment: Assignment<'import-pipeline'>,
  engine: Engine,
  pipeline: Pipeline,
  hash: string,
  note: Note,
) {
  const { signal } = assignment;
  const before = cursorSchema.safeParse(assignment.cursor).data;
  let cursor: Cursor = before?.hash === hash ? before : { hash };
  const keep = async (more: Partial<Cursor>) => {
    cursor = { ...cursor, ...more };
    await assignment.checkpoint(cursor);
  };
  if (!cursor.networks) {
    const total = networksOf(pipeline);
    await note('networks', 0, total);
    await tryNetworks(engine, pipeline, (done) => note('networks', done, total));
    await keep({ networks: true });
  }
  if (!cursor.adapterSites) {
    const total = adapterKinds.length;
    await note('adapters', 0, total);
    const encoder = await PromptEncoder.open(engine, pipeline);
    const context = await encoder.encode(triedPrompts[0]);
    await encoder.release();
    const adapterSites = await tryAdapters(engine, pipeline, context, (done) =>
      note('adapters', done, total),
    );
    await keep({ adapterSites });
  }
  if (!cursor.imageBlob) {
    let noted = Promise.resolve();
    const image = await drawOne(engine, pipeline, signal, (step) => {
      noted = noted.then(() => note('image', step, importImage.steps));
      noted.catch(() => {});
    });
    await noted;
    const imageBlob = await putBlob(encodePng(image));
    await note('image', importImage.steps, importImage.steps, imageBlob);
    await keep({ imageBlob });
  }
  const measured = await measureSizes({
    engine,
    pipeline,
    signal,
    sizes: assignment.pipelineImport.options.sizes,
    what: assignment.pipelineImport.options.measure,
    measured: cursor.measured ?? [],
    note: (done, total) => note('measure', done, total),
    keep: (sizes) => keep({ measured: sizes }),
  });
  return { adapterSites: cursor.adapterSites!, measured };
}
