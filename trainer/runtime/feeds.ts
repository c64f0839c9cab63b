/**
 * @file Whether tensors fit a session's inputs: checked before ONNX Runtime sees them, for errors
 * that say what fits.
 */
import { formatDims } from '@/trainer/graph/tensor';
import { EngineError } from './errors';
import type { SessionPort } from './protocol';

interface Shaped {
  dtype: string;
  dims: readonly number[];
}

/**
 * Throws unless `feeds` names every input exactly once with the right element type, rank, static
 * dimensions, and one size for each symbolic dimension.
 */
export function checkFeeds(inputs: readonly SessionPort[], feeds: Record<string, Shaped>): void {
  const list = inputs.map((input) => input.name).join(', ');
  const unknown = Object.keys(feeds).find((name) => !inputs.some((input) => input.name === name));
  if (unknown !== undefined) {
    throw new EngineError(`There is no input "${unknown}". The inputs are: ${list}.`);
  }
  const sizes = new Map<string, { size: number; input: string }>();
  for (const input of inputs) {
    const feed = feeds[input.name];
    if (!feed) throw new EngineError(`Input "${input.name}" is not fed. The inputs are: ${list}.`);
    if (feed.dtype !== input.dtype) {
      throw new EngineError(
        `Input "${input.name}" takes ${input.dtype}, but ${feed.dtype} was fed.`,
      );
    }
    const fits =
      feed.dims.length === input.dims.length &&
      input.dims.every((dim, axis) => typeof dim === 'string' || dim === feed.dims[axis]);
    if (!fits) {
      throw new EngineError(
        `Input "${input.name}" takes shape ${formatDims(input.dims)}, but ${formatDims(feed.dims)} was fed.`,
      );
    }
    for (const [axis, dim] of input.dims.entries()) {
      if (typeof dim !== 'string' || dim === '') continue;
      const size = feed.dims[axis]!;
      const known = sizes.get(dim);
      if (known && known.size !== size) {
        throw new EngineError(
          `Dimension "${dim}" is ${known.size} in input "${known.input}", but ${size} in "${input.name}" (${formatDims(feed.dims)}).`,
        );
      }
      sizes.set(dim, { size, input: input.name });
    }
  }
}
