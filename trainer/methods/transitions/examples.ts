/**
 * @file What preference methods train on, and how its transitions are laid out in runs of a graph
 * of fixed size.
 */
import type { Conditioning } from '@/trainer/diffusion/pipelines/conditioning';
import type { Trajectory } from '@/trainer/diffusion/sampling/trajectory';

/** One image of an example beats another. */
export interface Comparison {
  /** Indices into the example's images. */
  winner: number;
  loser: number;
  /** Agreement of its annotators, 0 … 1. */
  weight: number;
  /** The probability that its label is wrong, in [0, 0.5); 0 unless told. */
  smoothing?: number;
}

/**
 * Images of one prompt and what people said of them: a pair with its answer, or a tagged group with
 * all its pairs.
 */
export interface Example {
  /** Of the prompt. */
  context: Conditioning;
  images: readonly Trajectory[];
  comparisons: readonly Comparison[];
}

/** How many images and comparisons an example has: all that laying out needs to know. */
export interface ExampleSize {
  images: number;
  comparisons: number;
}

export function sizeOfExample({ images, comparisons }: Example): ExampleSize {
  return { images: images.length, comparisons: comparisons.length };
}

/**
 * One timestep of one example: its images' transitions go through the network together, each once.
 */
export interface Row {
  /** Index among the examples of the step. */
  example: number;
  /** 0 is the noisiest. */
  timestepIndex: number;
}

/**
 * Rows put into runs of at most `images` images, in their order; where the network takes one
 * timestep for all images, a run has rows of one timestep only.
 */
export function layOut(
  rows: readonly Row[],
  sizes: readonly ExampleSize[],
  images: number,
  oneTimestep: boolean,
): Row[][] {
  const timesteps = [...new Set(rows.map(({ timestepIndex }) => timestepIndex))];
  const apart = oneTimestep
    ? timesteps.map((index) => rows.filter(({ timestepIndex }) => timestepIndex === index))
    : [rows];
  return apart.flatMap((together) => {
    const runs: Row[][] = [];
    let room = 0;
    for (const row of together) {
      const size = sizes[row.example]!;
      if (size.images > images) {
        throw new RangeError(
          `A run holds ${images} images, but an example has ${size.images}; open the trainer with larger runs.`,
        );
      }
      if (size.images > room) {
        runs.push([]);
        room = images;
      }
      runs.at(-1)?.push(row);
      room -= size.images;
    }
    return runs;
  });
}

/** Comparisons in a run. */
export function comparisonsIn(run: readonly Row[], sizes: readonly ExampleSize[]): number {
  return run.reduce((sum, { example }) => sum + sizes[example]!.comparisons, 0);
}
