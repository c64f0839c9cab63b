/**
 * @file LPIPS by a network that takes two images: a perceptual distance, and with it the diversity
 * of a set. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric"
 * (arXiv 1801.03924). Inputs lie in [−1, 1]; given [0, 1] the network sees grey fog and calls
 * everything alike, so the conversion is made here and nowhere else.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { withStaticShapes } from '@/trainer/graph/inline';
import { type Graph, GraphError } from '@/trainer/graph/model';
import { externalDataFolderOf } from '@/trainer/graph/onnx/external-data';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32, formatDims, sizeOf } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import { imagePort, listed, openGraph, portOf } from './graphs';

/** Pairs that go through the network together. */
const pairsPerRun = 8;

export class Lpips {
  private constructor(
    private readonly session: Session,
    private readonly dims: readonly [3, number, number],
  ) {}

  /**
   * @param model a file, or a folder with a model.onnx, that takes `image_0` and `image_1` [n, 3,
   * H, W] and gives `distance`, one number per pair
   * @param size of the images, [height, width]
   * @throws GraphError when there is no such network
   */
  static async open(
    engine: Engine,
    model: string,
    size: readonly [number, number],
  ): Promise<Lpips> {
    const graph = await readLpips(model);
    const dims = [3, ...size] as const;
    const fixed = withStaticShapes(graph, {
      image_0: [pairsPerRun, ...dims],
      image_1: [pairsPerRun, ...dims],
    });
    const [distance] = fixed.outputs.filter((port) => port.name === 'distance');
    if (sizeOf(distance?.dims as number[]) !== pairsPerRun) {
      throw new GraphError(
        `${graph.source} gives distances of shape ${formatDims(distance?.dims ?? [])} for ${pairsPerRun} pairs: an LPIPS network gives one number per pair, its mean over pixels. Export it so.`,
      );
    }
    const externalDataFolder = await externalDataFolderOf(fixed, '.');
    const session = await engine.load(serializeOnnx(fixed), {
      name: 'LPIPS',
      ...(externalDataFolder && { externalDataFolder }),
    });
    return new Lpips(session, dims);
  }

  /** Distance of each pair of images; pixels [3 · H · W] in [0, 1], channel by channel. */
  async distances(pairs: readonly (readonly [Float32Array, Float32Array])[]): Promise<number[]> {
    const found: number[] = [];
    for (let first = 0; first < pairs.length; first += pairsPerRun) {
      const together = pairs.slice(first, first + pairsPerRun);
      const side = (which: 0 | 1) => {
        const size = this.dims[0] * this.dims[1] * this.dims[2];
        const data = new Float32Array(pairsPerRun * size);
        for (const [row, pair] of together.entries()) {
          data.set(
            pair[which].map((value) => 2 * value - 1),
            row * size,
          );
        }
        return float32([pairsPerRun, ...this.dims], data);
      };
      const out = await this.session.run({ image_0: side(0), image_1: side(1) }, {});
      const distances = [...outputOf(out, 'distance', 'float32').data].slice(0, together.length);
      const negative = distances.find((distance) => !(distance >= 0));
      if (negative !== undefined) {
        throw new RangeError(
          `LPIPS gave ${negative} for a pair of images, but a distance is never below 0: the network's weights are not LPIPS's.`,
        );
      }
      found.push(...distances);
    }
    return found;
  }

  /**
   * Mean over all n(n − 1)/2 pairs of a set; 0 for fewer than two. Not only neighbors, which is
   * lpips' own default.
   */
  async allPairs(images: readonly Float32Array[]): Promise<number> {
    return (await this.diversity([images])).mean;
  }

  /**
   * Diversity of what is drawn for each prompt: all pairs of each set, and the mean over the sets
   * that have a pair. Pairs of all sets share the runs, so that many small sets cost no more than
   * one large.
   */
  async diversity(
    sets: readonly (readonly Float32Array[])[],
  ): Promise<{ perSet: number[]; mean: number }> {
    return this.diversityOf(sets, async (pixels) => pixels);
  }

  /** The same of images that are read when their run comes, so that not all need be in memory. */
  async diversityOf<Image>(
    sets: readonly (readonly Image[])[],
    pixelsOf: (image: Image) => Promise<Float32Array>,
  ): Promise<{ perSet: number[]; mean: number }> {
    const counts = sets.map((set) => (set.length * (set.length - 1)) / 2);
    const pairs = sets.flatMap(pairsOf);
    const distances: number[] = [];
    for (let at = 0; at < pairs.length; at += pairsPerRun) {
      const together = pairs
        .slice(at, at + pairsPerRun)
        .map(async ([one, other]) => [await pixelsOf(one), await pixelsOf(other)] as const);
      distances.push(...(await this.distances(await Promise.all(together))));
    }
    let first = 0;
    const perSet = counts.map((count) => {
      const own = distances.slice(first, first + count);
      first += count;
      return own.reduce((sum, distance) => sum + distance, 0) / Math.max(1, count);
    });
    const counted = perSet.filter((_, i) => counts[i]! > 0);
    const mean = counted.reduce((sum, value) => sum + value, 0) / Math.max(1, counted.length);
    return { perSet, mean };
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

function pairsOf<Image>(images: readonly Image[]): [Image, Image][] {
  return images.flatMap((one, i) =>
    images.slice(i + 1).map((other): [Image, Image] => [one, other]),
  );
}

/**
 * The network, if it takes and gives what `Lpips.open` says. @throws GraphError when there is no
 * such network
 */
export async function readLpips(model: string): Promise<Graph> {
  const graph = await openGraph(await networkAt(model));
  const names = graph.inputs.map((port) => port.name);
  if (!names.includes('image_0') || !names.includes('image_1') || names.length !== 2) {
    throw new GraphError(
      `${graph.source} takes ${listed(graph.inputs)}: an LPIPS network takes image_0 and image_1. Export it so.`,
    );
  }
  portOf(graph, 'outputs', 'distance');
  for (const name of names) imagePort(graph, name);
  return graph;
}

/** The ONNX file at a path: the file itself, or a folder's model.onnx. */
async function networkAt(path: string): Promise<string> {
  const found = await stat(path).catch((cause: Error) => {
    throw new GraphError(
      `There is no LPIPS network at ${path} (${cause.message}). Give an ONNX file, or a folder with a model.onnx.`,
    );
  });
  return found.isDirectory() ? join(path, 'model.onnx') : path;
}
