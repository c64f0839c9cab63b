/**
 * @file ONNX's protobuf messages as a table of fields, and one codec that reads and writes them.
 * Field numbers: onnx/onnx.proto3 (IR version 10). A field that is not in the table is kept as
 * bytes and written back.
 */
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

type Scalar = 'int' | 'float' | 'string' | 'bytes';
interface Field {
  name: string;
  type: Scalar | 'double' | MessageName;
  repeated?: true;
}

type MessageName =
  | 'Model'
  | 'OperatorSet'
  | 'Graph'
  | 'Node'
  | 'Attribute'
  | 'Tensor'
  | 'SparseTensor'
  | 'Functions'
  | 'Function'
  | 'StringEntry'
  | 'ValueInfo'
  | 'Type'
  | 'TensorType'
  | 'Shape'
  | 'Dimension';

const one = (name: string, type: Field['type']): Field => ({ name, type });
const many = (name: string, type: Field['type']): Field => ({ name, type, repeated: true });

const messages: Record<MessageName, Record<number, Field>> = {
  Model: {
    1: one('irVersion', 'int'),
    7: one('graph', 'Graph'),
    8: many('opsets', 'OperatorSet'),
  },
  OperatorSet: { 1: one('domain', 'string'), 2: one('version', 'int') },
  Graph: {
    1: many('nodes', 'Node'),
    2: one('name', 'string'),
    5: many('initializers', 'Tensor'),
    11: many('inputs', 'ValueInfo'),
    12: many('outputs', 'ValueInfo'),
    13: many('valueInfo', 'ValueInfo'),
    15: many('sparse', 'SparseTensor'),
  },
  Node: {
    1: many('inputs', 'string'),
    2: many('outputs', 'string'),
    3: one('name', 'string'),
    4: one('op', 'string'),
    5: many('attributes', 'Attribute'),
    7: one('domain', 'string'),
  },
  Attribute: {
    1: one('name', 'string'),
    2: one('f', 'float'),
    3: one('i', 'int'),
    4: one('s', 'bytes'),
    5: one('t', 'Tensor'),
    6: one('g', 'bytes'),
    7: many('floats', 'float'),
    8: many('ints', 'int'),
    9: many('strings', 'bytes'),
    20: one('type', 'int'),
    21: one('refersTo', 'string'),
    22: one('sparse', 'SparseTensor'),
  },
  Tensor: {
    1: many('dims', 'int'),
    2: one('dataType', 'int'),
    4: many('floatData', 'float'),
    5: many('int32Data', 'int'),
    7: many('int64Data', 'int'),
    8: one('name', 'string'),
    9: one('rawData', 'bytes'),
    10: many('doubleData', 'double'),
    11: many('uint64Data', 'int'),
    13: many('externalData', 'StringEntry'),
    14: one('dataLocation', 'int'),
  },
  SparseTensor: { 1: one('values', 'Tensor'), 2: one('indices', 'Tensor'), 3: many('dims', 'int') },
  // A Model, of which only the functions are read.
  Functions: { 25: many('functions', 'Function') },
  Function: {
    1: one('name', 'string'),
    4: many('inputs', 'string'),
    5: many('outputs', 'string'),
    7: many('nodes', 'Node'),
    9: many('opsets', 'OperatorSet'),
    10: one('domain', 'string'),
    11: many('defaults', 'Attribute'),
  },
  StringEntry: { 1: one('key', 'string'), 2: one('value', 'string') },
  ValueInfo: { 1: one('name', 'string'), 2: one('type', 'Type') },
  Type: { 1: one('tensor', 'TensorType') },
  TensorType: { 1: one('elemType', 'int'), 2: one('shape', 'Shape') },
  Shape: { 1: many('dims', 'Dimension') },
  Dimension: { 1: one('value', 'int'), 2: one('param', 'string') },
};

/** A decoded message: values by field name, and the bytes of fields the table does not have. */
export interface Message {
  [field: string]: unknown;
  unknown?: Uint8Array;
}

function readScalar(reader: BinaryReader, type: Field['type']): unknown {
  if (type === 'int') {
    const value = reader.int64();
    const asNumber = Number(value);
    // A slice's "to the end" is 2^63 - 1: rounded to the next double it would overflow when written
    // back.
    return Number.isSafeInteger(asNumber) ? asNumber : BigInt(value);
  }
  if (type === 'float') return reader.float();
  if (type === 'double') return reader.double();
  if (type === 'string') return reader.string();
  if (type === 'bytes') return reader.bytes();
  return undefined;
}

const packable = new Set<Field['type']>(['int', 'float', 'double']);

/** Decodes one message. Throws RangeError or Error on bytes that are not that message. */
export function decode(name: MessageName, bytes: Uint8Array): Message {
  const table = messages[name];
  const reader = new BinaryReader(bytes);
  const message: Message = {};
  for (const field of Object.values(table)) if (field.repeated) message[field.name] = [];
  const unknown: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wire] = reader.tag();
    const field = table[number];
    if (!field) {
      reader.skip(wire, number);
      unknown.push(bytes.subarray(start, reader.pos));
      continue;
    }
    if (field.repeated && wire === WireType.LengthDelimited && packable.has(field.type)) {
      const inner = new BinaryReader(reader.bytes());
      const list = message[field.name]! as unknown[];
      while (inner.pos < inner.len) list.push(readScalar(inner, field.type));
      continue;
    }
    const value =
      field.type in messages
        ? decode(field.type as MessageName, reader.bytes())
        : readScalar(reader, field.type);
    if (field.repeated) (message[field.name]! as unknown[]).push(value);
    else message[field.name] = value;
  }
  if (unknown.length > 0) message.unknown = concatBytes(unknown);
  return message;
}

/**
 * Encodes a message; fields left undefined are not written, unknown bytes are appended as they were
 * read.
 */
export function encode(name: MessageName, message: Message): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, field] of Object.entries(messages[name])) {
    const value = message[field.name];
    if (value === undefined) continue;
    const values = field.repeated ? (value as unknown[]) : [value];
    if (field.repeated && packable.has(field.type)) {
      if (values.length === 0) continue;
      writer.tag(Number(number), WireType.LengthDelimited).fork();
      for (const item of values) writeScalar(writer, field.type, item);
      writer.join();
      continue;
    }
    for (const item of values) {
      writer.tag(Number(number), wireType(field.type));
      if (field.type in messages) {
        writer.bytes(encode(field.type as MessageName, item as Message));
      } else writeScalar(writer, field.type, item);
    }
  }
  const encoded = writer.finish();
  return message.unknown ? concatBytes([encoded, message.unknown]) : encoded;
}

function wireType(type: Field['type']): WireType {
  if (type === 'int') return WireType.Varint;
  if (type === 'float') return WireType.Bit32;
  if (type === 'double') return WireType.Bit64;
  return WireType.LengthDelimited;
}

function writeScalar(writer: BinaryWriter, type: Field['type'], value: unknown): void {
  if (type === 'int') writer.int64(typeof value === 'bigint' ? value : BigInt(value as number));
  else if (type === 'float') writer.float(value as number);
  else if (type === 'double') writer.double(value as number);
  else if (type === 'string') writer.string(value as string);
  else writer.bytes(value as Uint8Array);
}

function concatBytes(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
