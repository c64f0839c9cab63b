/**
 * @file What ONNX Runtime's optimizer writes into graphs (com.microsoft), as small graphs. Where a
 * CPU has no kernel for it, `meaning` says the same in standard operators.
 */
import { nodeOf } from '@/tests/support/graph-of';
import type { Node } from '@/trainer/graph/model';
import { float32, int64, tensor } from '@/trainer/graph/tensor';
import { type Form, wave } from './forms';

export interface FusedForm extends Omit<Form, 'opsets'> {
  meaning?: readonly Node[];
}

const fused = (op: string, inputs: string[], attributes = {}, outputs = ['y']) =>
  nodeOf(op, inputs, outputs, attributes, 'com.microsoft');

const norm = { g: wave([4], 1), b: wave([4], 2), skip: wave([2, 3, 4], 3), bias: wave([4], 4) };
const groups = { scale: wave([6], 1), shift: wave([6], 2) };
const groupNormAttributes = { groups: 2, epsilon: 1e-3, channels_last: 1, activation: 1 };

/** GroupNorm with SiLU of images with channels last, by standard operators. */
const groupNormMeaning = (input: string): Node[] => [
  nodeOf('Transpose', [input], ['first'], { perm: [0, 3, 1, 2] }),
  nodeOf('GroupNormalization', ['first', 'scale', 'shift'], ['normal'], {
    num_groups: 2,
    epsilon: 1e-3,
  }),
  nodeOf('Sigmoid', ['normal'], ['gate']),
  nodeOf('Mul', ['normal', 'gate'], ['active']),
  nodeOf('Transpose', ['active'], ['y'], { perm: [0, 2, 3, 1] }),
];

export const fusedForms: readonly FusedForm[] = [
  { name: 'Gelu', dims: [2, 4], nodes: [fused('Gelu', ['x'])] },
  { name: 'QuickGelu', dims: [2, 4], nodes: [fused('QuickGelu', ['x'], { alpha: 1.5 })] },
  ...['BiasGelu', 'FastGelu'].map(
    (op): FusedForm => ({
      name: op,
      dims: [2, 4],
      nodes: [fused(op, ['x', 'bias'])],
      constants: { bias: wave([4]) },
    }),
  ),
  {
    name: 'BiasSplitGelu',
    dims: [1, 2, 8],
    nodes: [fused('BiasSplitGelu', ['x', 'bias'])],
    meaning: [
      nodeOf('Add', ['x', 'bias'], ['sum']),
      nodeOf('Split', ['sum'], ['a', 'c'], { axis: 2, num_outputs: 2 }),
      nodeOf('Gelu', ['c'], ['gate']),
      nodeOf('Mul', ['a', 'gate'], ['y']),
    ],
    constants: { bias: wave([8]) },
  },
  {
    name: 'BiasAdd',
    dims: [1, 2, 4],
    nodes: [fused('BiasAdd', ['x', 'bias', 'skip'])],
    meaning: [nodeOf('Sum', ['x', 'bias', 'skip'], ['y'])],
    constants: { bias: wave([4]), skip: wave([1, 2, 4], 2) },
  },
  {
    name: 'SkipLayerNormalization with the sum',
    dims: [2, 3, 4],
    nodes: [
      fused('SkipLayerNormalization', ['x', 'skip', 'g', 'b', 'bias'], { epsilon: 1e-4 }, [
        'a',
        '',
        '',
        'c',
      ]),
      nodeOf('Mul', ['a', 'c'], ['y']),
    ],
    constants: norm,
  },
  {
    name: 'SkipSimplifiedLayerNormalization',
    dims: [2, 3, 4],
    nodes: [
      fused('SkipSimplifiedLayerNormalization', ['x', 'skip', 'g', 'bias'], { epsilon: 1e-4 }),
    ],
    constants: { g: norm.g, skip: norm.skip, bias: norm.bias },
  },
  {
    name: 'SimplifiedLayerNormalization, which lies in the standard domain',
    dims: [2, 3, 4],
    nodes: [nodeOf('SimplifiedLayerNormalization', ['x', 'g'], ['y'], { epsilon: 1e-4, axis: -1 })],
    constants: { g: norm.g },
  },
  {
    name: 'GroupNorm',
    dims: [1, 3, 2, 6],
    nodes: [fused('GroupNorm', ['x', 'scale', 'shift'], groupNormAttributes)],
    meaning: groupNormMeaning('x'),
    constants: groups,
  },
  {
    name: 'SkipGroupNorm',
    dims: [1, 3, 2, 6],
    nodes: [fused('SkipGroupNorm', ['x', 'scale', 'shift', 'skip', 'bias'], groupNormAttributes)],
    meaning: [
      nodeOf('Reshape', ['skip', 'around'], ['wide']),
      nodeOf('Sum', ['x', 'wide', 'bias'], ['sum']),
      ...groupNormMeaning('sum'),
    ],
    constants: {
      ...groups,
      skip: wave([1, 6], 5),
      bias: wave([6], 6),
      around: int64([4], [1, 1, 1, 6]),
    },
  },
  {
    name: 'FusedMatMul',
    dims: [2, 4, 3],
    nodes: [fused('FusedMatMul', ['x', 'w'], { transA: 1, transB: 1, alpha: 0.5 })],
    constants: { w: wave([2, 5, 4]) },
  },
  {
    name: 'FusedGemm',
    dims: [2, 3],
    nodes: [
      fused('FusedGemm', ['x', 'w', 'c'], {
        transB: 1,
        alpha: 0.5,
        beta: 2,
        activation: 'LeakyRelu',
        activation_alpha: 0.2,
      }),
    ],
    constants: { w: wave([4, 3]), c: wave([4], 2) },
  },
  {
    name: 'FusedConv that adds, then clips',
    dims: [1, 2, 4, 4],
    nodes: [
      fused('FusedConv', ['x', 'w', 'c', 'z'], {
        pads: [1, 1, 1, 1],
        activation: 'Relu',
      }),
    ],
    constants: { w: wave([3, 2, 3, 3]), c: wave([3], 2), z: wave([1, 3, 4, 4], 3) },
  },
  {
    name: 'NhwcConv',
    dims: [1, 4, 4, 2],
    nodes: [fused('NhwcConv', ['x', 'w', 'c'], { pads: [1, 1, 1, 1] })],
    meaning: [
      nodeOf('Transpose', ['x'], ['first'], { perm: [0, 3, 1, 2] }),
      nodeOf('Transpose', ['w'], ['turned'], { perm: [0, 3, 1, 2] }),
      nodeOf('Conv', ['first', 'turned', 'c'], ['made'], { pads: [1, 1, 1, 1] }),
      nodeOf('Transpose', ['made'], ['y'], { perm: [0, 2, 3, 1] }),
    ],
    constants: { w: wave([3, 3, 3, 2]), c: wave([3], 2) },
  },
  {
    name: 'BiasSoftmax',
    dims: [2, 3, 4],
    nodes: [fused('BiasSoftmax', ['x', 'bias'], { axis: 2, is_inner_broadcast: 0 })],
    meaning: [nodeOf('Add', ['x', 'bias'], ['a']), nodeOf('Softmax', ['a'], ['y'], { axis: 2 })],
    constants: { bias: wave([1, 3, 4]) },
  },
  {
    name: 'MultiHeadAttention of three, with bias',
    dims: [1, 3, 8],
    nodes: [fused('MultiHeadAttention', ['x', 'k', 'v', 'bias'], { num_heads: 2, scale: 0.6 })],
    constants: { k: wave([1, 5, 8], 1), v: wave([1, 5, 8], 2), bias: wave([24], 3) },
  },
  {
    name: 'MultiHeadAttention with numbers added to its scores',
    dims: [1, 3, 8],
    nodes: [fused('MultiHeadAttention', ['x', 'x', 'x', '', '', 'added'], { num_heads: 2 })],
    constants: { added: wave([1, 2, 3, 3], 1) },
  },
  {
    name: 'MultiHeadAttention of packed projections',
    dims: [1, 3, 2, 3, 4],
    nodes: [fused('MultiHeadAttention', ['x'], { num_heads: 2 })],
    meaning: [
      nodeOf('Split', ['x'], ['q5', 'k5', 'v5'], { axis: 3, num_outputs: 3 }),
      ...['q', 'k', 'v'].flatMap((part) => [
        nodeOf('Squeeze', [`${part}5`, 'third'], [`${part}4`]),
        nodeOf('Transpose', [`${part}4`], [part], { perm: [0, 2, 1, 3] }),
      ]),
      nodeOf('Attention', ['q', 'k', 'v'], ['heads']),
      nodeOf('Transpose', ['heads'], ['apart'], { perm: [0, 2, 1, 3] }),
      nodeOf('Reshape', ['apart', 'flat'], ['y']),
    ],
    constants: { third: int64([1], [3]), flat: int64([3], [1, 3, 8]) },
  },
  {
    name: 'Attention that projects',
    dims: [1, 3, 4],
    nodes: [fused('Attention', ['x', 'w', 'bias'], { num_heads: 2, unidirectional: 1 })],
    constants: { w: wave([4, 12], 1), bias: wave([12], 2) },
  },
  {
    name: 'RotaryEmbedding',
    dims: [1, 3, 8],
    nodes: [fused('RotaryEmbedding', ['x', 'at', 'cos', 'sin'], { num_heads: 2 })],
    constants: { cos: wave([5, 2]), sin: wave([5, 2], 1), at: int64([1], [2]) },
  },
];

/** What is refused, and by which words. */
export const refusals: readonly [string, Node, RegExp][] = [
  [
    'an operator of another domain',
    nodeOf('Fancy', ['x'], ['y'], {}, 'com.example'),
    /node "\/y\/Fancy" \(Fancy\) is an operator of "com\.example", which Darkroom does not know\. Export/,
  ],
  [
    'one of ONNX Runtime that is not read',
    nodeOf('QAttention', ['x'], ['y'], {}, 'com.microsoft'),
    /QAttention.*"com\.microsoft".*of com\.microsoft these are read: Attention, BiasAdd/,
  ],
  [
    'dropout in training',
    nodeOf('Dropout', ['x', 'half', 'yes'], ['y']),
    /\(Dropout\) of opset 18 cannot be followed: it drops activations at random\. Export the model in evaluation mode\./,
  ],
  [
    'statistics that are updated',
    nodeOf('BatchNormalization', ['x', 'v', 'v', 'v', 'v'], ['y'], { training_mode: 1 }),
    /\(BatchNormalization\).*training mode\. Export the model in evaluation mode/,
  ],
  [
    'an operator without a rule',
    nodeOf('NonMaxSuppression', ['x', 'x'], ['y']),
    /\(NonMaxSuppression\): no shape rule for this operator/,
  ],
];

export const refusedConstants = {
  half: float32([], [0.5]),
  yes: tensor('bool', [], Uint8Array.of(1)),
  v: wave([3]),
};
