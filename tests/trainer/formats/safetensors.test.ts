import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  layoutSafetensors,
  parseSafetensors,
  readSafetensors,
  SafetensorsError,
  serializeSafetensors,
} from '@/trainer/formats/safetensors';
import { bytesOf, float32, int64, type Tensor, tensor } from '@/trainer/graph/tensor';

const sample = new Map<string, Tensor>([
  ['b', float32([2, 2], [1, 2, 3, 4])],
  ['a', int64([1], [-5])],
  ['mask', tensor('bool', [3], Uint8Array.of(1, 0, 1))],
  ['half', tensor('float16', [1], Uint16Array.of(0x3c00))],
  ['nothing', float32([0, 4], [])],
]);

/** A file with this header over this many bytes of zeros. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.byteLength + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('safetensors', () => {
  it('comes back as it was written', () => {
    const bytes = serializeSafetensors(sample, { format: 'pt' });
    const { tensors, metadata } = parseSafetensors(bytes, 'x');
    expect(metadata).toEqual({ format: 'pt' });
    expect(Object.fromEntries(tensors)).toEqual(Object.fromEntries(sample));
  });

  it('is the same file whatever order the tensors come in', () => {
    const reversed = new Map([...sample].reverse());
    const one = serializeSafetensors(sample, { a: '1', b: '2' });
    expect(serializeSafetensors(reversed, { b: '2', a: '1' })).toEqual(one);
  });

  it('tells where each tensor lies in the file', () => {
    const bytes = serializeSafetensors(sample);
    for (const [name, { offset, length }] of layoutSafetensors(sample).spans) {
      expect(bytes.subarray(offset, offset + length)).toEqual(bytesOf(sample.get(name) as Tensor));
    }
  });

  it.each([
    ['too short', new Uint8Array(7), 'has 7 bytes, too few'],
    [
      'a header longer than the file',
      file({}, 0).subarray(0, 9),
      'is truncated: its header takes 2',
    ],
    [
      'something else',
      new TextEncoder().encode('<!DOCTYPE html><html>'),
      'it is no safetensors file',
    ],
    ['no JSON', file('{nope', 0), 'has a header that is no JSON'],
    ['no object', file('[1]', 0), 'no JSON object'],
    ['an unusable entry', file({ w: { dtype: 'F32' } }, 0), 'describes "w" without'],
    ['a negative size', file({ w: entry(0, 4, [-1]) }, 4), 'describes "w" without'],
    ['a fraction', file({ w: entry(0, 4, [0.5]) }, 4), 'describes "w" without'],
    ['three offsets', file({ w: { ...entry(0, 4), data_offsets: [0, 4, 4] } }, 4), '"w" without'],
    ['an axis too many', file({ w: entry(0, 4, Array(65).fill(1)) }, 4), 'describes "w" without'],
    [
      'a header larger than any model has',
      file(' '.repeat(32_000_001), 0),
      'claims a header of 32000001 bytes, more than the 32000000',
    ],
    [
      'bytes that do not fit',
      file({ w: entry(0, 8, [3]) }, 8),
      '8 bytes, but F32 of shape [3] takes 12',
    ],
    ['an overlap', file({ v: entry(0, 8), w: entry(4, 12) }, 12), 'lays "w" over'],
    ['a gap', file({ v: entry(0, 4), w: entry(8, 12) }, 12), 'a gap of 4 bytes before "w"'],
    ['missing data', file({ w: entry(0, 8) }, 7), 'is truncated: "w" ends at byte 8'],
    ['excess data', file({ w: entry(0, 8) }, 9), 'has 1 bytes after its last tensor'],
    ['odd metadata', file({ __metadata__: { a: 1 } }, 0), 'metadata that are not all text'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes, 'w.safetensors')).toThrow(SafetensorsError);
    expect(() => parseSafetensors(bytes, 'w.safetensors')).toThrow(message);
    expect(() => parseSafetensors(bytes, 'w.safetensors')).toThrow(/^w\.safetensors .* again\.$/);
  });

  it('names element types it cannot read', () => {
    const bytes = file({ w: entry(0, 4, [4], 'F8_E4M3') }, 4);
    expect(() => parseSafetensors(bytes, 'w')).toThrow('as F8_E4M3, which cannot be read: convert');
  });

  it('refuses every truncation of a good file', () => {
    const bytes = serializeSafetensors(sample);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        expect(() => parseSafetensors(bytes.subarray(0, length), 'x')).toThrow(SafetensorsError);
      }),
    );
  });

  it('never gives anything but tensors or its own error for corrupt headers', () => {
    const bytes = serializeSafetensors(sample);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const corrupt = bytes.slice();
        corrupt[at] = value;
        try {
          parseSafetensors(corrupt, 'x');
        } catch (error) {
          expect(error).toBeInstanceOf(SafetensorsError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('reads files, and says so when there is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'safetensors-'));
    const path = join(folder, 'w.safetensors');
    await writeFile(path, serializeSafetensors(sample));
    expect((await readSafetensors(path)).tensors.get('a')).toEqual(sample.get('a'));
    await rm(folder, { recursive: true });
    await expect(readSafetensors(path)).rejects.toThrow('does not exist: check the path');
  });
});
