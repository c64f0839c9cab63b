/**
 * @file TensorFlow's layers in ONNX's words. TensorFlow keeps images as [n, height, width,
 * channels], ONNX's operators want [n, channels, height, width]: a value remembers which of the two
 * it is held in and is transposed only where an operator cannot take it as it is, so that a whole
 * convolutional network has no transposition within.
 */
import type { Builder, Value } from '@/trainer/graph/builder';
import { toFloat32 } from '@/trainer/graph/float16';
import { GraphError } from '@/trainer/graph/model';
import { numbersOf } from '@/trainer/graph/numbers';
import { float32, formatDims, type Tensor } from '@/trainer/graph/tensor';

/** A value of TensorFlow's, and how its axes are held: as there, or as ONNX's planes. */
export interface Held {
  value: Value;
  isPlanes: boolean;
}

const toPlanes = [0, 3, 1, 2];
const fromPlanes = [0, 2, 3, 1];

export interface Sliding {
  strides: readonly [number, number];
  dilations?: readonly [number, number];
  /** Begins and ends of height, then of width; SAME and VALID as TensorFlow means them. */
  padding: 'same' | 'valid' | readonly [number, number, number, number];
}

/** Appends layers to a graph; values go in and out as `Held`. */
export class Layers {
  constructor(readonly b: Builder) {}

  /** An input of images, [n, 3, height, width] in the ONNX graph. */
  image(name: string, [n, height, width, channels]: readonly number[]): Held {
    return {
      value: this.b.input(name, 'float32', [n!, channels!, height!, width!]),
      isPlanes: true,
    };
  }

  constant(value: Tensor): Held {
    return { value: this.b.tensor(value), isPlanes: false };
  }

  /** Shape in TensorFlow's order. */
  dims({ value, isPlanes }: Held): number[] {
    const dims = this.b.dims(value);
    return isPlanes ? fromPlanes.map((axis) => dims[axis]!) : [...dims];
  }

  /** The value in TensorFlow's order of axes. */
  plain({ value, isPlanes }: Held): Value {
    return isPlanes ? this.b.transpose(value, fromPlanes) : value;
  }

  planes({ value, isPlanes }: Held): Value {
    return isPlanes ? value : this.b.transpose(value, toPlanes);
  }

  /** Numbers of a value that is known beforehand. @throws GraphError where it is not */
  numbers({ value }: Held): number[] {
    const constant = this.b.constantOf(value);
    if (!constant) throw new GraphError('it takes a shape, axis or index that is computed');
    return numbersOf(constant);
  }

  /** A constant's tensor. @throws GraphError where it is computed */
  weights({ value }: Held): Tensor {
    const constant = this.b.constantOf(value);
    if (!constant) throw new GraphError('its weights are computed');
    return constant;
  }

  unary(op: string, x: Held, attributes = {}, inputs: readonly Value[] = []): Held {
    return { ...x, value: this.b.op(op, [x.value, ...inputs], attributes) };
  }

  /** An operator of two values that broadcast as NumPy's do. */
  binary(op: string, x: Held, y: Held): Held {
    if (!x.isPlanes && !y.isPlanes) {
      return { value: this.b.op(op, [x.value, y.value]), isPlanes: false };
    }
    return { value: this.b.op(op, [this.#spread(x), this.#spread(y)]), isPlanes: true };
  }

  /** As planes, with axes of length 1 where there are fewer than four. */
  #spread(x: Held): Value {
    const dims = this.dims(x);
    if (x.isPlanes || dims.length === 0) return x.value;
    const four = [...Array<number>(4 - dims.length).fill(1), ...dims];
    const constant = this.b.constantOf(x.value);
    if (constant && dims.length === 1) {
      const data = toFloat32(constant);
      return this.b.tensor(float32([1, data.length, 1, 1], data));
    }
    return this.planes({ value: this.b.reshape(x.value, four), isPlanes: false });
  }

  /**
   * Convolution. @param filter [height, width, in, out]; a depthwise one [height, width, in, times]
   */
  convolve(x: Held, filter: Tensor, sliding: Sliding, depthwise = false): Held {
    const [height, width, inputs, outputs] = filter.dims as [number, number, number, number];
    const data = toFloat32(filter);
    // ONNX: [out, in / groups, height, width]; a depthwise filter's outputs are channel by channel.
    const moved = new Float32Array(data.length);
    const area = height * width;
    for (let at = 0, from = 0; at < area; at++) {
      for (let i = 0; i < inputs; i++) {
        for (let o = 0; o < outputs; o++, from++) {
          const row = depthwise ? i * outputs + o : o * inputs + i;
          moved[row * area + at] = data[from]!;
        }
      }
    }
    const dims = depthwise
      ? [inputs * outputs, 1, height, width]
      : [outputs, inputs, height, width];
    const planes = this.planes(x);
    const channels = this.b.dims(planes)[1]!;
    const weights = this.b.constant(this.b.fresh('filter'), float32(dims, moved));
    return {
      value: this.b.op('Conv', [planes, weights], {
        kernel_shape: [height, width],
        ...this.#window(planes, [height, width], sliding),
        group: depthwise ? channels : channels / inputs,
      }),
      isPlanes: true,
    };
  }

  pool(kind: 'MaxPool' | 'AveragePool', x: Held, kernel: [number, number], how: Sliding): Held {
    const planes = this.planes(x);
    const { dilations, ...window } = this.#window(planes, kernel, how);
    // Padding counts neither as a maximum nor in a mean.
    return {
      value: this.b.op(kind, [planes], { kernel_shape: kernel, ...window }),
      isPlanes: true,
    };
  }

  /**
   * SAME in numbers: as many outputs as strides fit, what is missing divided, the odd one at the
   * end.
   */
  #window(planes: Value, kernel: readonly [number, number], sliding: Sliding) {
    const { strides, dilations = [1, 1], padding } = sliding;
    const sides = this.b.dims(planes).slice(2);
    const missing = sides.map((side, i) => {
      const extent = (kernel[i]! - 1) * dilations[i]! + 1;
      return Math.max(0, (Math.ceil(side / strides[i]!) - 1) * strides[i]! + extent - side);
    });
    const pads =
      padding === 'valid'
        ? [0, 0, 0, 0]
        : padding === 'same'
          ? [
              ...missing.map((total) => Math.floor(total / 2)),
              ...missing.map((total) => Math.ceil(total / 2)),
            ]
          : [padding[0], padding[2], padding[1], padding[3]];
    return { strides: [...strides], dilations: [...dilations], pads };
  }

  /** @param pads begin and end of every axis, in TensorFlow's order */
  pad(x: Held, pads: readonly (readonly [number, number])[], value = 0, mode = 'constant'): Held {
    const order = x.isPlanes ? toPlanes.map((axis) => pads[axis]!) : pads;
    const flat = [...order.map(([begin]) => begin), ...order.map(([, end]) => end)];
    const inputs = [this.b.ints(flat), ...(mode === 'constant' ? [this.b.scalar(value)] : [])];
    return this.unary('Pad', x, { mode }, inputs);
  }

  reduce(op: string, x: Held, axes: readonly number[], keep: boolean): Held {
    const positive = axes.map((axis) => (axis < 0 ? axis + this.dims(x).length : axis));
    // Without height and width the order of what is left is the same in both.
    const isSpatial = positive.length === 2 && positive.includes(1) && positive.includes(2);
    const isHeld = x.isPlanes && (keep || isSpatial);
    const value = isHeld ? x.value : this.plain(x);
    const along = isHeld ? positive.map((axis) => toPlanes.indexOf(axis)) : positive;
    const attributes = { keepdims: keep ? 1 : 0 };
    return {
      value: this.b.op(op, [value, this.b.ints(along)], attributes),
      isPlanes: isHeld && keep,
    };
  }

  concat(values: readonly Held[], axis: number): Held {
    const rank = this.dims(values[0]!).length;
    const positive = axis < 0 ? axis + rank : axis;
    const isPlanes = values.some((value) => value.isPlanes);
    return {
      value: this.b.concat(
        values.map((value) => (isPlanes ? this.planes(value) : value.value)),
        isPlanes ? toPlanes.indexOf(positive) : positive,
      ),
      isPlanes,
    };
  }

  reshape(x: Held, dims: readonly number[]): Held {
    return { value: this.b.op('Reshape', [this.plain(x), this.b.ints(dims)]), isPlanes: false };
  }

  /** @param way corners on corners, or centres half a pixel in; neither is TensorFlow 1's */
  resize(
    x: Held,
    [height, width]: readonly number[],
    mode: 'linear' | 'nearest',
    way: { alignCorners: boolean; halfPixelCenters: boolean },
  ): Held {
    const planes = this.planes(x);
    const [n, channels] = this.b.dims(planes) as [number, number];
    const { alignCorners, halfPixelCenters } = way;
    const coordinates = alignCorners
      ? 'align_corners'
      : halfPixelCenters
        ? 'half_pixel'
        : 'asymmetric';
    const attributes = {
      mode,
      coordinate_transformation_mode: coordinates,
      ...(mode === 'nearest' && {
        nearest_mode: coordinates === 'asymmetric' ? 'floor' : 'round_prefer_ceil',
      }),
    };
    const sizes = this.b.ints([n, channels, height!, width!]);
    return { value: this.b.op('Resize', [planes, '', '', sizes], attributes), isPlanes: true };
  }

  /** `x · matrix`, [n, in] by [in, out]. */
  dense(x: Held, matrix: Held): Held {
    return { value: this.b.matmul(this.plain(x), this.plain(matrix)), isPlanes: false };
  }

  /** Along the last axis of TensorFlow's. */
  softmax(x: Held): Held {
    return this.unary('Softmax', x, { axis: x.isPlanes ? 1 : this.dims(x).length - 1 });
  }

  clip(x: Held, low: number, high: number): Held {
    return this.unary('Clip', x, {}, [this.b.scalar(low), this.b.scalar(high)]);
  }

  /** (x − mean) / √(variance + ε) · scale + offset, per channel, as one product and one sum. */
  normalize(
    x: Held,
    given: { mean: Tensor; variance: Tensor; scale?: Tensor; offset?: Tensor },
    epsilon: number,
  ): Held {
    const mean = toFloat32(given.mean);
    const variance = toFloat32(given.variance);
    const scale = given.scale && toFloat32(given.scale);
    const offset = given.offset && toFloat32(given.offset);
    const factor = variance.map((v, i) => (scale?.[i] ?? 1) / Math.sqrt(v + epsilon));
    const shift = mean.map((m, i) => (offset?.[i] ?? 0) - m * factor[i]!);
    const per = (values: Float32Array) => this.constant(float32([values.length], values));
    return this.binary('Add', this.binary('Mul', x, per(factor)), per(shift));
  }

  /** An activation by TensorFlow's or Keras' name. @throws GraphError naming one that is none */
  activate(x: Held, name: string, { alpha, slope }: { alpha?: number; slope?: Held } = {}): Held {
    switch (name.toLowerCase()) {
      case 'linear':
        return x;
      case 'relu':
        return this.unary('Relu', x);
      case 'relu6':
        return this.clip(x, 0, 6);
      case 'sigmoid':
        return this.unary('Sigmoid', x);
      case 'tanh':
        return this.unary('Tanh', x);
      case 'elu':
        return this.unary('Elu', x);
      case 'softplus':
        return this.unary('Softplus', x);
      case 'leakyrelu':
        return this.unary('LeakyRelu', x, { alpha: alpha ?? 0.2 });
      case 'hard_sigmoid':
        return this.unary('HardSigmoid', x, { alpha: 0.2, beta: 0.5 });
      case 'swish':
        return this.binary('Mul', x, this.unary('Sigmoid', x));
      case 'softmax':
        return this.softmax(x);
      case 'prelu': {
        if (!slope) throw new GraphError('its slopes are missing');
        const negative = this.unary('Neg', this.unary('Relu', this.unary('Neg', x)));
        return this.binary('Add', this.unary('Relu', x), this.binary('Mul', slope, negative));
      }
      default:
        throw new GraphError(`its activation ${name} is not known`);
    }
  }

  /** @throws GraphError where a shape is not the one that an operator goes with */
  expectRank(x: Held, rank: number): void {
    const dims = this.dims(x);
    if (dims.length !== rank) {
      throw new GraphError(`it takes ${rank} axes, not ${formatDims(dims)}`);
    }
  }
}
