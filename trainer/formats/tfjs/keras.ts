/** @file TensorFlow.js' layers models: Keras' description of a network, layer by layer. */
import { z } from 'zod';
import { GraphError } from '@/trainer/graph/model';
import type { Tensor } from '@/trainer/graph/tensor';
import type { Held, Layers, Sliding } from './layers';
import type { TfjsModel } from './read';

/** `[name, node, tensor, arguments]`. */
const connectionSchema = z.tuple([z.string(), z.number(), z.number()]).rest(z.unknown());

const layerSchema = z.object({
  class_name: z.string(),
  name: z.string().optional(),
  config: z.looseObject({ name: z.string() }),
  inbound_nodes: z.array(z.array(connectionSchema)).optional(),
});

const networkSchema = z.object({
  class_name: z.enum(['Model', 'Functional', 'Sequential']),
  config: z.union([
    z.object({
      layers: z.array(layerSchema),
      output_layers: z.array(connectionSchema).optional(),
    }),
    z.array(layerSchema).transform((layers) => ({ layers, output_layers: undefined })),
  ]),
});

/** As Keras wrote it, or as TensorFlow.js did. */
const kerasSchema = z.union([
  z.object({ model_config: networkSchema }).transform(({ model_config }) => model_config),
  networkSchema,
]);

type Layer = z.infer<typeof layerSchema>;

/** What a layer is told. */
class Told {
  constructor(
    private readonly layer: Layer,
    private readonly weights: ReadonlyMap<string, Tensor>,
  ) {}

  number(name: string, fallback: number): number {
    const value = this.layer.config[name];
    return typeof value === 'number' ? value : fallback;
  }

  text(name: string, fallback: string): string {
    const value = this.layer.config[name];
    return typeof value === 'string' ? value : fallback;
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.layer.config[name];
    return typeof value === 'boolean' ? value : fallback;
  }

  list(name: string): unknown[] {
    const value = this.layer.config[name];
    return Array.isArray(value) ? value : [];
  }

  pair(name: string): [number, number] | undefined {
    const value = this.layer.config[name];
    if (typeof value === 'number') return [value, value];
    return Array.isArray(value) ? [value[0], value[1]] : undefined;
  }

  sliding(): Sliding {
    if (this.text('data_format', 'channels_last') !== 'channels_last') {
      throw new GraphError('its channels do not come last');
    }
    const padding = this.text('padding', 'valid').toLowerCase();
    if (padding !== 'same' && padding !== 'valid') {
      throw new GraphError(`its padding ${padding} is not known`);
    }
    const pool = this.pair('pool_size');
    return {
      strides: this.pair('strides') ?? pool ?? [1, 1],
      dilations: this.pair('dilation_rate') ?? [1, 1],
      padding,
    };
  }

  /** `layer/kernel`, in some files below the names of models. */
  weight(name: string): Tensor | undefined {
    const wanted = `${this.layer.config.name}/${name}`;
    const direct = this.weights.get(wanted);
    if (direct) return direct;
    const key = [...this.weights.keys()].find((one) => one.endsWith(`/${wanted}`));
    return key === undefined ? undefined : this.weights.get(key);
  }

  expectWeight(name: string): Tensor {
    const found = this.weight(name);
    if (!found) throw new GraphError(`its weight ${name} is not there`);
    return found;
  }
}

type Rule = (l: Layers, inputs: Held[], told: Told) => Held;

const same: Rule = (_, [x]) => x!;

/** Bias and activation, which end a layer with weights. */
function finished(l: Layers, x: Held, told: Told): Held {
  const bias = told.flag('use_bias', true) ? told.expectWeight('bias') : undefined;
  const sum = bias ? l.binary('Add', x, l.constant(bias)) : x;
  return l.activate(sum, told.text('activation', 'linear'));
}

const pool =
  (kind: 'MaxPool' | 'AveragePool'): Rule =>
  (l, [x], told) =>
    l.pool(kind, x!, told.pair('pool_size') ?? [2, 2], told.sliding());

const globalPool =
  (op: string): Rule =>
  (l, [x], told) =>
    l.reduce(op, x!, [1, 2], told.flag('keepdims', false));

const merge =
  (op: string): Rule =>
  (l, inputs) =>
    inputs.reduce((all, one) => l.binary(op, all, one));

function padding(told: Told): [number, number][] {
  const value = told.list('padding');
  const sides = value.map((side) => (Array.isArray(side) ? side : [side, side]));
  const [height, width] = sides as [number, number][];
  return [[0, 0], height ?? [1, 1], width ?? [1, 1], [0, 0]];
}

const rules: Readonly<Record<string, Rule>> = {
  Dropout: same,
  GaussianNoise: same,
  Conv2D: (l, [x], told) =>
    finished(l, l.convolve(x!, told.expectWeight('kernel'), told.sliding()), told),
  DepthwiseConv2D: (l, [x], told) =>
    finished(l, l.convolve(x!, told.expectWeight('depthwise_kernel'), told.sliding(), true), told),
  SeparableConv2D: (l, [x], told) => {
    const deep = l.convolve(x!, told.expectWeight('depthwise_kernel'), told.sliding(), true);
    const one: Sliding = { strides: [1, 1], padding: 'valid' };
    return finished(l, l.convolve(deep, told.expectWeight('pointwise_kernel'), one), told);
  },
  Dense: (l, [x], told) => finished(l, l.dense(x!, l.constant(told.expectWeight('kernel'))), told),
  BatchNormalization: (l, [x], told) =>
    l.normalize(
      x!,
      {
        mean: told.expectWeight('moving_mean'),
        variance: told.expectWeight('moving_variance'),
        scale: told.flag('scale', true) ? told.expectWeight('gamma') : undefined,
        offset: told.flag('center', true) ? told.expectWeight('beta') : undefined,
      },
      told.number('epsilon', 1e-3),
    ),
  ZeroPadding2D: (l, [x], told) => l.pad(x!, padding(told)),
  MaxPooling2D: pool('MaxPool'),
  AveragePooling2D: pool('AveragePool'),
  GlobalAveragePooling2D: globalPool('ReduceMean'),
  GlobalMaxPooling2D: globalPool('ReduceMax'),
  Activation: (l, [x], told) => l.activate(x!, told.text('activation', 'linear')),
  Softmax: (l, [x]) => l.softmax(x!),
  ReLU: (l, [x], told) => {
    if (told.number('negative_slope', 0) !== 0 || told.number('threshold', 0) !== 0) {
      throw new GraphError('it has a slope or a threshold');
    }
    const most = told.number('max_value', Number.POSITIVE_INFINITY);
    return Number.isFinite(most) ? l.clip(x!, 0, most) : l.activate(x!, 'relu');
  },
  LeakyReLU: (l, [x], told) => l.activate(x!, 'leakyrelu', { alpha: told.number('alpha', 0.3) }),
  PReLU: (l, [x], told) =>
    l.activate(x!, 'prelu', { slope: l.constant(told.expectWeight('alpha')) }),
  Add: merge('Add'),
  Multiply: merge('Mul'),
  Concatenate: (l, inputs, told) => l.concat(inputs, told.number('axis', -1)),
  Flatten: (l, [x]) => l.reshape(x!, [l.dims(x!)[0]!, -1]),
  Reshape: (l, [x], told) =>
    l.reshape(x!, [l.dims(x!)[0]!, ...(told.list('target_shape') as number[])]),
  UpSampling2D: (l, [x], told) => {
    const [, height, width] = l.dims(x!) as [number, number, number];
    const [down, across] = told.pair('size') ?? [2, 2];
    const isLinear = told.text('interpolation', 'nearest') === 'bilinear';
    return l.resize(x!, [height * down, width * across], isLinear ? 'linear' : 'nearest', {
      alignCorners: false,
      halfPixelCenters: isLinear,
    });
  },
};

/** Appends the layers of a model; its outputs by the names of their layers. */
export function convertLayers(layers: Layers, model: TfjsModel): [string, Held][] {
  const parsed = kerasSchema.safeParse(model.topology);
  if (!parsed.success) {
    const [{ path, message } = { path: [], message: '' }] = parsed.error.issues;
    throw new GraphError(
      `${model.source} is neither a graph nor layers of Keras: ${path.join('.')} ${message}.`,
    );
  }
  const { config } = parsed.data;
  const values = new Map<string, Held>();
  let previous: string | undefined;
  for (const layer of config.layers) {
    const { name } = layer.config;
    const from =
      layer.inbound_nodes?.[0]?.map(([source]) => source) ?? (previous ? [previous] : []);
    values.set(name, heldOf(layers, model, layer, from, values));
    previous = name;
  }
  const outputs = config.output_layers?.map(([name]) => name) ?? [previous!];
  return outputs.map((name) => [name, values.get(name)!]);
}

function heldOf(
  layers: Layers,
  model: TfjsModel,
  layer: Layer,
  from: readonly string[],
  values: Map<string, Held>,
): Held {
  const { name } = layer.config;
  try {
    const told = new Told(layer, model.weights);
    const shape = told.list('batch_input_shape') as (number | null)[];
    if (layer.class_name === 'InputLayer') return input(layers, name, shape);
    const inputs = from.map((source) => {
      const value = values.get(source);
      if (!value) throw new GraphError(`its input "${source}" comes later, or never`);
      return value;
    });
    // A sequence of layers need not begin with an input: its first layer says the shape.
    if (inputs.length === 0) inputs.push(input(layers, `${name}_input`, shape));
    if ((layer.inbound_nodes?.length ?? 1) > 1) throw new GraphError('it is used more than once');
    const rule = rules[layer.class_name];
    if (!rule) throw new GraphError('this layer has no meaning here');
    return rule(layers, inputs, told);
  } catch (cause) {
    throw new GraphError(
      `${model.source}, layer "${name}" (${layer.class_name}): ${(cause as Error).message}. The layers that can be converted stand in trainer/formats/tfjs/keras.ts.`,
    );
  }
}

function input(layers: Layers, name: string, [n, ...rest]: readonly (number | null)[]): Held {
  if (rest.length === 0 || rest.some((dim) => dim === null)) {
    throw new GraphError('the size of its input is not known beforehand');
  }
  const dims = [n ?? 1, ...(rest as number[])];
  if (dims.length === 4) return layers.image(name, dims);
  return { value: layers.b.input(name, 'float32', dims), isPlanes: false };
}
