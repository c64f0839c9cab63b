/** A pipeline that cannot be opened or used: names the file or value, and the remedy. */
export class PipelineError extends Error {
  override name = 'PipelineError';
}
