/** An engine and a data folder for imports, each done at once in this process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { z } from 'zod';
import {
  getPipelineImport,
  type PipelineImport,
  requestPipelineImport,
} from '@/db/policies/pipeline-imports';
import { claimWork, failWork, releaseWork } from '@/db/work/queue';
import { type ImportStage, importOptionsSchema } from '@/lib/pipeline-imports';
import { pipelineWorkKinds } from '@/lib/work';
import { importPipeline } from '@/trainer/rounds/imports/import-pipeline';
import { Assignment, Halt } from '@/trainer/rounds/worker/assignment';
import { Engine } from '@/trainer/runtime/engine';
import { writeTinyPipeline } from '../../../support/tiny-pipeline';
import { withHomes } from '../support';

const workerId = 'importer';

export interface Importing {
  /** A folder for everything that a test makes, with a pipeline in `tiny`. */
  readonly parent: string;
  readonly tiny: string;
  readonly home: string;
  /** Imports a folder, without measuring unless told; rejects with what it was refused for. */
  run(
    folder: string,
    options?: z.input<typeof importOptionsSchema>,
    createdBy?: string | null,
  ): Promise<PipelineImport>;
  /** Puts the import down, as a trainer that ends, once it has reached a stage. */
  putDownAt(stage: ImportStage, folder: string): Promise<void>;
  readonly engine: Engine;
}

/** Imports through the tests of a file. */
export function withImports(): Importing {
  const homes = withHomes();
  let [parent, home] = ['', ''];
  let engine: Engine;
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'darkroom-imports-'));
    home = await homes.make();
    await writeTinyPipeline(join(parent, 'tiny'));
    engine = await Engine.open({ device: 'cpu', lanes: 1 });
  });
  afterAll(async () => {
    await engine.close();
    await rm(parent, { recursive: true });
  });
  return {
    get parent() {
      return parent;
    },
    get tiny() {
      return join(parent, 'tiny');
    },
    get home() {
      return home;
    },
    get engine() {
      return engine;
    },
    async putDownAt(stage, folder) {
      const options = importOptionsSchema.parse({ measure: 'none' });
      const { id } = await requestPipelineImport({ folder, options, createdBy: null });
      const claimed = await claimWork({ workerId, kinds: pipelineWorkKinds });
      const assignment = new Assignment<'import-pipeline'>(claimed!, workerId);
      const watching = setInterval(async () => {
        const { progress } = await getPipelineImport(id);
        if (progress?.stage === stage) assignment.halt('stopping');
      }, 5);
      await expect(importPipeline(assignment, engine)).rejects.toBeInstanceOf(Halt);
      clearInterval(watching);
      assignment.end();
      await releaseWork(assignment.claim);
    },
    async run(folder, options = {}, createdBy = null) {
      const asked = {
        folder,
        options: importOptionsSchema.parse({ measure: 'none', ...options }),
        createdBy,
      };
      const { id } = await requestPipelineImport(asked);
      const claimed = await claimWork({ workerId, kinds: pipelineWorkKinds });
      const assignment = new Assignment<'import-pipeline'>(claimed!, workerId);
      try {
        await importPipeline(assignment, engine);
      } catch (thrown) {
        await failWork({ ...assignment.claim, error: (thrown as Error).message });
        throw thrown;
      } finally {
        assignment.end();
      }
      return getPipelineImport(id);
    },
  };
}
