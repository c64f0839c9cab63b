/**
 * @file PyTorch's layers as ONNX nodes, named as PyTorch's exporter names them: a module at
 * `down_blocks.0.conv` becomes the node `/down_blocks.0/conv/Conv` with the weights
 * `down_blocks.0.conv.weight` and `.bias`. Shapes are NCHW. No constant holds the batch size, so
 * the same nodes serve any batch.
 */
import type { Attributes, Builder, Value } from '@/trainer/graph/builder';
import { float32 } from '@/trainer/graph/tensor';

/**
 * Gives the value of a weight by PyTorch's name: an input while training, a constant in a finished
 * model.
 */
export type WeightSource = (name: string, dims: readonly number[]) => Value;

/**
 * A module's place: segments as the exporter separates them, for example `['down_blocks.0',
 * 'conv']`.
 */
export type Path = readonly string[];

export interface ConvolutionOptions {
  kernel: number;
  stride?: number;
}

export class Layers {
  readonly #named = new Map<string, number>();

  constructor(
    readonly builder: Builder,
    private readonly weights: WeightSource,
  ) {}

  /** The same graph for a network whose weights' names begin with `prefix` and a dot. */
  within(prefix: string): Layers {
    return new Layers(this.builder, (name, dims) => this.weights(`${prefix}.${name}`, dims));
  }

  weight(path: Path, name: string, dims: readonly number[]): Value {
    return this.weights([...path, name].join('.'), dims);
  }

  /**
   * A node named after its module; the second of a kind in one module gets `_1`, as from the
   * exporter.
   */
  op(path: Path, op: string, inputs: readonly Value[], attributes: Attributes = {}): Value {
    const name = `/${[...path, op].join('/')}`;
    const before = this.#named.get(name) ?? 0;
    this.#named.set(name, before + 1);
    return this.builder.op(op, inputs, attributes, {
      name: before === 0 ? name : `${name}_${before}`,
    });
  }

  /** Square convolution with bias, padded to keep size / stride. */
  conv(path: Path, x: Value, channels: number, { kernel, stride = 1 }: ConvolutionOptions): Value {
    const from = this.channels(x);
    const pad = Math.floor(kernel / 2);
    return this.op(
      path,
      'Conv',
      [
        x,
        this.weight(path, 'weight', [channels, from, kernel, kernel]),
        this.weight(path, 'bias', [channels]),
      ],
      {
        dilations: [1, 1],
        group: 1,
        kernel_shape: [kernel, kernel],
        pads: [pad, pad, pad, pad],
        strides: [stride, stride],
      },
    );
  }

  /**
   * Linear layer on the last axis of [batch, tokens, features]. The weight is stored [out, in] as
   * in PyTorch.
   */
  linear(path: Path, x: Value, features: number, bias = true): Value {
    const from = this.builder.dims(x).at(-1) as number;
    const weight = this.weight(path, 'weight', [features, from]);
    const turned = this.op(path, 'Transpose', [weight], { perm: [1, 0] });
    const product = this.op(path, 'MatMul', [x, turned]);
    if (!bias) return product;
    return this.op(path, 'Add', [this.weight(path, 'bias', [features]), product]);
  }

  /** Linear layer on [batch, features], which the exporter writes as one Gemm. */
  linear2d(path: Path, x: Value, features: number): Value {
    const from = this.builder.dims(x).at(-1) as number;
    const weight = this.weight(path, 'weight', [features, from]);
    return this.op(path, 'Gemm', [x, weight, this.weight(path, 'bias', [features])], { transB: 1 });
  }

  layerNorm(path: Path, x: Value, epsilon = 1e-5): Value {
    const features = this.builder.dims(x).at(-1) as number;
    return this.op(
      path,
      'LayerNormalization',
      [x, this.weight(path, 'weight', [features]), this.weight(path, 'bias', [features])],
      { axis: -1, epsilon },
    );
  }

  /**
   * Group normalisation as exported: instance normalisation over [batch, groups, rest], then scale
   * and shift.
   */
  groupNorm(path: Path, x: Value, groups: number, epsilon: number): Value {
    const b = this.builder;
    const [, channels, height, width] = b.dims(x) as [number, number, number, number];
    if (channels % groups !== 0) {
      throw new RangeError(
        `/${path.join('/')}: ${channels} channels do not split into ${groups} groups; choose a divisor.`,
      );
    }
    const ones = b.tensor(float32([groups], new Float32Array(groups).fill(1)));
    const zeros = b.tensor(float32([groups], new Float32Array(groups)));
    const grouped = this.op(path, 'Reshape', [x, b.ints([0, groups, -1])]);
    const normal = this.op(path, 'InstanceNormalization', [grouped, ones, zeros], { epsilon });
    const back = b.op('Reshape', [normal, b.ints([0, channels, height, width])]);
    const perChannel = (name: string) =>
      b.op('Reshape', [this.weight(path, name, [channels]), b.ints([channels, 1, 1])]);
    return this.op(path, 'Add', [
      this.op(path, 'Mul', [back, perChannel('weight')]),
      perChannel('bias'),
    ]);
  }

  silu(path: Path, x: Value): Value {
    return this.op(path, 'Mul', [x, this.op(path, 'Sigmoid', [x])]);
  }

  /**
   * Scaled dot-product attention over heads, on projected [batch, tokens, features].
   * @param mask added to the scores before the softmax
   */
  attention(path: Path, q: Value, k: Value, v: Value, heads: number, mask?: Value): Value {
    const b = this.builder;
    const features = b.dims(q).at(-1) as number;
    const perHead = features / heads;
    if (!Number.isInteger(perHead)) {
      throw new RangeError(
        `/${path.join('/')}: ${features} features do not split into ${heads} heads; choose a divisor.`,
      );
    }
    const split = (x: Value, perm: number[]) =>
      this.op(path, 'Transpose', [b.op('Reshape', [x, b.ints([0, -1, heads, perHead])])], { perm });
    const scaled = b.scale(split(q, [0, 2, 1, 3]), 1 / Math.sqrt(perHead));
    const scores = this.op(path, 'MatMul', [scaled, split(k, [0, 2, 3, 1])]);
    const masked = mask ? this.op(path, 'Add', [scores, mask]) : scores;
    const shares = this.op(path, 'Softmax', [masked], { axis: -1 });
    const mixed = this.op(path, 'MatMul', [shares, split(v, [0, 2, 1, 3])]);
    const joined = this.op(path, 'Transpose', [mixed], { perm: [0, 2, 1, 3] });
    return b.op('Reshape', [joined, b.ints([0, -1, features])]);
  }

  channels(x: Value): number {
    return this.builder.dims(x)[1]!;
  }
}
