/**
 * @file A judge at work: reads finger count, blood and the prompt's attributes from pixels. Judges
 * measure; they are never the reward of the run they measure. Their features are the fixed
 * perceptual distance behind diversity figures.
 */
import { fileURLToPath } from 'node:url';
import { type Tensor, tensor } from '@/trainer/graph/tensor';
import { type Engine, outputOf, type Session } from '@/trainer/runtime/engine';
import { IMAGE_SIZE } from '../world/draw';
import type { JudgeName } from './networks';
import { QUESTION_NAMES, type Question, readVerdict, type Verdict } from './verdict';

/** A verdict, and the features by which images are compared. */
export interface Measurement {
  verdict: Verdict;
  /** Their squared distance to another image's is the LPIPS between the two. */
  features: Float32Array;
}

const IMAGE_BYTES = IMAGE_SIZE * IMAGE_SIZE * 3;
const AT_ONCE = 64;

/** Where the model of a judge lies. */
export function judgePath(name: JudgeName): string {
  return fileURLToPath(new URL(`./models/${name}.onnx`, import.meta.url));
}

export class Judge {
  private constructor(
    readonly name: JudgeName,
    private readonly session: Session,
  ) {}

  /** Loads judge `a` or `b` into an engine. */
  static async open(engine: Engine, name: JudgeName): Promise<Judge> {
    const session = await engine.load({ path: judgePath(name) }, { name: `judge ${name}` });
    return new Judge(name, session);
  }

  /** Measures RGB images, 64x64x3 bytes each, row by row. */
  async measure(images: readonly Uint8Array[]): Promise<Measurement[]> {
    const measured: Measurement[] = [];
    for (let first = 0; first < images.length; first += AT_ONCE) {
      measured.push(...(await this.#measureBatch(images.slice(first, first + AT_ONCE))));
    }
    return measured;
  }

  async #measureBatch(images: readonly Uint8Array[]): Promise<Measurement[]> {
    const bytes = new Uint8Array(images.length * IMAGE_BYTES);
    images.forEach((image, at) => {
      if (image.length !== IMAGE_BYTES) {
        throw new RangeError(
          `A judge reads 64x64 RGB images of ${IMAGE_BYTES} bytes; image ${at} has ${image.length}.`,
        );
      }
      bytes.set(image, at * IMAGE_BYTES);
    });
    const feed: Tensor = tensor('uint8', [images.length, IMAGE_SIZE, IMAGE_SIZE, 3], bytes);
    const outputs = await this.session.run({ images: feed });
    const row = (name: string, at: number) => {
      const { data, dims } = outputOf(outputs, name, 'float32');
      const width = dims[1]!;
      return data.slice(at * width, (at + 1) * width);
    };
    return images.map((_, at) => ({
      verdict: readVerdict(
        Object.fromEntries(
          QUESTION_NAMES.map((question) => [question, row(question, at)]),
        ) as Record<Question, Float32Array>,
      ),
      features: row('features', at),
    }));
  }
}
