/** @file What an import says in a terminal: a line for each stage, and what was found. */
import type { PipelineImport } from '@/db/policies/pipeline-imports';
import {
  everyStage,
  type FoundPipeline,
  foundLines,
  type ImportProgress,
  type ImportState,
  measuredLines,
} from '@/lib/pipeline-imports';
import { line } from '@/scripts/console';

/** Lines of the stages: where there is a person to watch, the last one counts. */
export class Telling {
  #last: ImportProgress | undefined;

  tell({ progress }: Pick<PipelineImport, 'progress'>): void {
    if (!progress) return;
    if (this.#last && this.#last.stage !== progress.stage) this.#done(this.#last);
    this.#last = progress;
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K  … ${progressText(progress)}`);
  }

  end(state: ImportState): void {
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
    if (!this.#last) return;
    if (state === 'ready') this.#done({ ...this.#last, done: this.#last.total });
    else line('✗', this.#last.stage, progressText(this.#last));
  }

  #done({ stage, total }: ImportProgress): void {
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
    line('✓', stage, `${everyStage[stage].label}: ${total} ${everyStage[stage].unit}`);
  }
}

function progressText({ stage, done, total }: ImportProgress): string {
  const { label, unit } = everyStage[stage];
  return `${label}: ${done} of ${total} ${unit}`;
}

/** What was found, as name and text. */
export function toldFound(found: FoundPipeline | undefined): [string, string][] {
  if (!found) return [];
  const { sizes, machine } = found.measured;
  const measured = sizes.flatMap((size) => [
    { name: `${size.width}×${size.height}`, text: `measured on ${machine}, in a few steps:` },
    ...measuredLines(size),
  ]);
  return [...foundLines(found), ...measured].map(({ name, text }) => [name, text]);
}
