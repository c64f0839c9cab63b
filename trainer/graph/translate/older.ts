/**
 * @file Operators whose form or meaning changed between opset 11 and 18, in the form of 18. Source:
 * the changelog of operators in onnx/onnx (docs/Changelog.md).
 */
import type { Value } from '../builder';
import { int64, sizeOf } from '../tensor';
import type { Scope, Translation } from './scope';

/** Numbers that were an attribute and became the second input. */
export const attributeToInput =
  (name: string): Translation =>
  (s) => {
    const given = s.ints(name);
    if (!given) return s.as({});
    const inputs = [s.x(0), s.b.tensor(int64([given.length], given))];
    return s.as({ inputs, attributes: s.attributesWithout(name) });
  };

/** Until opset 17 a split into equal parts was said by the number of outputs alone. */
export const split: Translation = (s) => {
  const length = s.dims(0)[s.axis('axis', 0)]!;
  const count = s.node.outputs.length;
  const sizes = s.ints('split');
  if (!sizes && !s.has(1) && length % count !== 0) {
    s.fail(`${length} elements do not split into ${count} equal parts`);
  }
  if (sizes) return attributeToInput('split')(s);
  if (s.has(1)) return s.as({});
  const num_outputs = { kind: 'int', value: count } as const;
  return s.as({ attributes: { ...s.node.attributes, num_outputs } });
};

/** Until opset 12 everything from `axis` on was one long axis, and `axis` was 1 unless told. */
export const overTheRest: Translation = (s) => {
  const dims = s.dims(0);
  const axis = dims.length === 1 ? s.int('axis', 1) : s.axis('axis', 1);
  const split = Math.min(axis, dims.length);
  const rows = [sizeOf(dims.slice(0, split)), sizeOf(dims.slice(split))];
  if (rows[1] === dims.at(-1)) return s.as({ attributes: { axis: { kind: 'int', value: -1 } } });
  const over = s.op(s.node.op, [s.b.reshape(s.x(0), rows)], { axis: -1 });
  return [s.b.reshape(over, dims)];
};

/** A network that is not being trained drops nothing. */
export const dropout: Translation = (s) => {
  if (s.has(2) && s.numbers(2)?.[0] !== 0) {
    s.fail('it drops activations at random', 'Export the model in evaluation mode.');
  }
  if (!s.gives(1)) return [s.x(0)];
  return [s.x(0), s.b.expand(s.b.scalar(1, 'bool'), s.dims(0))];
};

/** Inference only: training outputs and updated statistics are nobody's business here. */
export const batchNormalization: Translation = (s) => {
  if (s.int('training_mode', 0) === 1 || s.node.outputs.slice(1).some(Boolean)) {
    s.fail('it is in training mode', 'Export the model in evaluation mode.');
  }
  return s.as({
    outputs: s.node.outputs.slice(0, 1),
    attributes: s.attributesWithout('training_mode', 'spatial', 'momentum'),
  });
};

/** An empty tensor once stood for an input that is not given. */
export const resize: Translation = (s) => {
  if (s.text('coordinate_transformation_mode', '') === 'tf_half_pixel_for_nn') {
    s.fail('tf_half_pixel_for_nn is no coordinate mode of today');
  }
  const given = s.node.inputs.map((name: Value) => (name && !isEmpty(s, name) ? name : ''));
  if (s.text('coordinate_transformation_mode', '') !== 'tf_crop_and_resize') given[1] = '';
  while (given.at(-1) === '') given.pop();
  return s.as({ inputs: given });
};

function isEmpty(s: Scope, name: Value): boolean {
  return sizeOf(s.b.dims(name)) === 0;
}
