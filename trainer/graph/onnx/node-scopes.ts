/**
 * @file Where in the PyTorch model a node comes from, as torch's dynamo exporter says it: not in
 * the node's name but in its metadata (`metadata_props`, field 9 of NodeProto, IR version 10), as a
 * Python list under `pkg.torch.onnx.name_scopes`.
 */
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Node } from '../model';
import { decode } from './messages';

const metadataField = 9;

/**
 * Paths of the modules around a node, outermost first, and its own name in the traced graph last:
 * `['', 'blocks.0', 'blocks.0.to_q', 'linear_7']`. Empty where the exporter says nothing.
 */
export function nodeScopes({ unknown }: Pick<Node, 'unknown'>): string[] {
  if (!unknown) return [];
  const reader = new BinaryReader(unknown);
  while (reader.pos < reader.len) {
    const [field, wire] = reader.tag();
    if (field !== metadataField) {
      reader.skip(wire, field);
      continue;
    }
    const { key, value } = decode('StringEntry', reader.bytes());
    if (key !== 'pkg.torch.onnx.name_scopes') continue;
    return [...String(value).matchAll(/'([^']*)'/g)].map(([, scope]) => scope!);
  }
  return [];
}
