/** @file Output shapes of operators that slide a window: convolutions and pools. */

import type { InferScope } from './infer-scope';
import { intAttr, intsAttr, type Node, stringAttr } from './model';

export interface Window {
  kernel: number[];
  strides: number[];
  dilations: number[];
  /** Begins, then ends, one per spatial axis. */
  pads: number[];
}

/** Kernel, strides, dilations and resolved padding of a Conv, ConvTranspose or pool node. */
export function windowOf(
  node: Node,
  spatial: readonly number[],
  kernel: readonly number[],
): Window {
  const ones = spatial.map(() => 1);
  const strides = intsAttr(node, 'strides') ?? ones;
  const dilations = intsAttr(node, 'dilations') ?? ones;
  let pads = intsAttr(node, 'pads') ?? [...ones, ...ones].map(() => 0);
  const auto = stringAttr(node, 'auto_pad', 'NOTSET');
  if (auto.startsWith('SAME')) {
    const totals = spatial.map((length, i) => {
      const stride = strides[i]!;
      const extent = (kernel[i]! - 1) * dilations[i]! + 1;
      return Math.max(0, (Math.ceil(length / stride) - 1) * stride + extent - length);
    });
    const small = totals.map((total) => Math.floor(total / 2));
    const large = totals.map((total) => Math.ceil(total / 2));
    pads = auto === 'SAME_UPPER' ? [...small, ...large] : [...large, ...small];
  }
  return { kernel: [...kernel], strides: [...strides], dilations: [...dilations], pads: [...pads] };
}

/** Output shape of Conv and ConvTranspose. */
export function convOutput(s: InferScope, op: 'Conv' | 'ConvTranspose'): number[] {
  const [n, c, ...spatial] = s.dims(0) as [number, number, ...number[]];
  const [first, second, ...kernel] = s.dims(1) as [number, number, ...number[]];
  const group = intAttr(s.node, 'group', 1);
  const wanted = op === 'Conv' ? second * group : first;
  if (c !== wanted || kernel.length !== spatial.length) {
    s.fail(`the weight takes ${wanted} channels over ${kernel.length} axes`);
  }
  const { strides, dilations, pads } = windowOf(s.node, spatial, kernel);
  const extra = intsAttr(s.node, 'output_padding') ?? spatial.map(() => 0);
  const out = spatial.map((length, i) => {
    const extent = (kernel[i]! - 1) * dilations[i]! + 1;
    const pad = pads[i]! + pads[i + spatial.length]!;
    const stride = strides[i]!;
    return op === 'Conv'
      ? Math.floor((length + pad - extent) / stride) + 1
      : (length - 1) * stride + extent - pad + extra[i]!;
  });
  return [n, op === 'Conv' ? first : second * group, ...out];
}

/** Output shape of MaxPool and AveragePool. */
export function poolOutput(s: InferScope): number[] {
  const [n, c, ...spatial] = s.dims(0) as [number, number, ...number[]];
  const kernel = intsAttr(s.node, 'kernel_shape') ?? s.fail('kernel_shape is missing');
  const { strides, dilations, pads } = windowOf(s.node, spatial, kernel);
  const round = intAttr(s.node, 'ceil_mode', 0) ? Math.ceil : Math.floor;
  return [
    n,
    c,
    ...spatial.map((length, i) => {
      const extent = (kernel[i]! - 1) * dilations[i]! + 1;
      const pad = pads[i]! + pads[i + spatial.length]!;
      const stride = strides[i]!;
      const count = round((length + pad - extent) / stride) + 1;
      // A window that would start in the padding after the end is dropped (ONNX since opset 10).
      return (count - 1) * stride >= length + pads[i]! ? count - 1 : count;
    }),
  ];
}
