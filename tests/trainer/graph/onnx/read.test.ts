import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { goldenFolder } from '@/tests/support/golden';
import { GraphError } from '@/trainer/graph/model';
import { parseOnnx, readOnnxFile } from '@/trainer/graph/onnx/read';
import { serializeOnnx } from '@/trainer/graph/onnx/write';

const attention = join(goldenFolder, 'ops/attention.onnx');

describe('reading ONNX', () => {
  it('gives back what was written', async () => {
    const graph = await readOnnxFile(attention);
    const again = parseOnnx(serializeOnnx(graph), graph.source);
    expect(again).toEqual(graph);
  });

  it('keeps fields it does not know', async () => {
    const bytes = await readFile(attention);
    // Field 99 of ModelProto, wire type 2, three bytes: nothing ONNX defines.
    const stranger = Uint8Array.from([0x9a, 0x06, 3, 7, 8, 9]);
    const graph = parseOnnx(Buffer.concat([bytes, stranger]), 'with a stranger');
    const written = Buffer.from(serializeOnnx(graph));
    expect(written.includes(Buffer.from(stranger))).toBe(true);
  });

  it('refuses any truncation with one error that names the file', async () => {
    const bytes = await readFile(attention);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), (length) => {
        try {
          parseOnnx(bytes.subarray(0, length), 'half.onnx');
        } catch (cause) {
          expect(cause).toBeInstanceOf(GraphError);
          expect((cause as Error).message).toContain('half.onnx');
          return;
        }
        // A cut between two fields leaves a whole, smaller message: it must then still be a graph.
        expect(length).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses a missing file, and a constant whose data does not fit', async () => {
    await expect(readOnnxFile('/nowhere/model.onnx')).rejects.toThrow('/nowhere/model.onnx');
    const graph = await readOnnxFile(join(goldenFolder, 'tiny-sd/vae_decoder/model.onnx'));
    const [name, weight] = [...graph.constants].find(([, c]) => c.dims.length === 4) ?? [];
    if (!name || !weight) throw new Error('the decoder has no weight');
    graph.constants.set(name, { ...weight, dims: [999, 999] });
    expect(() => parseOnnx(serializeOnnx(graph), 'bad.onnx')).toThrow(
      /bad\.onnx, initializer .* corrupt/,
    );
  });
});
