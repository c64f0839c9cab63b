/**
 * @file LPIPS by a network that takes two images: a perceptual distance, and with it the diversity of a set. Zhang et al.,
 * "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (arXiv 1801.03924). Inputs lie in [−1, 1]; given
 * [0, 1] the network sees grey fog and calls everything alike, so the conversion is made here and nowhere else.
 */
import { withStaticShapes } from '@/trainer/graph/inline';
import { type Graph, GraphError } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';

/** Pairs that go through the network together. */
const pairsPerRun = 8;

export class Lpips {
  private constructor(
    private readonly session: Session,
    private readonly dims: readonly [3, number, number],
  ) {}

  /**
   * @param graph takes `image_0` and `image_1` [n, 3, H, W], gives `distance` [n]
   * @param size of the images, [height, width]
   */
  static async open(
    engine: Engine,
    graph: Graph,
    size: readonly [number, number],
    externalDataFolder?: string,
  ): Promise<Lpips> {
    const names = graph.inputs.map((port) => port.name);
    if (!names.includes('image_0') || !names.includes('image_1') || names.length !== 2) {
      throw new GraphError(
        `${graph.source} takes ${names.join(', ')}: an LPIPS network takes image_0 and image_1. Export it so.`,
      );
    }
    const dims = [3, ...size] as const;
    const fixed = withStaticShapes(graph, {
      image_0: [pairsPerRun, ...dims],
      image_1: [pairsPerRun, ...dims],
    });
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

  /** Mean over all n(n − 1)/2 pairs of a set; 0 for fewer than two. Not only neighbours, which is lpips' own default. */
  async allPairs(images: readonly Float32Array[]): Promise<number> {
    const pairs = images.flatMap((one, i) =>
      images.slice(i + 1).map((other) => [one, other] as const),
    );
    const distances = await this.distances(pairs);
    return distances.reduce((sum, distance) => sum + distance, 0) / Math.max(1, pairs.length);
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
