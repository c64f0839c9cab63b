import { derivedId } from '../ids';

/** The run that holds a pipeline's imported answers. */
export function importRunId(pipeline: string): string {
  return derivedId('imports', pipeline);
}

/** Whether a run holds imported answers: it draws nothing and cannot go on. */
export function isImportRun({ id, pipeline }: { id: string; pipeline: string }): boolean {
  return id === importRunId(pipeline);
}
