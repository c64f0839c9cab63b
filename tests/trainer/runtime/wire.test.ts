import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { dtypes, float32, int64, type Tensor, zeros } from '@/trainer/graph/tensor';
import { readFrames, writeFrame } from '@/trainer/runtime/wire';

type Frame = [unknown, Tensor[]];

/** Everything written to a stream, as one buffer. */
async function written(frames: readonly Frame[]): Promise<Buffer> {
  const stream = new PassThrough({ highWaterMark: 1 << 20 });
  for (const [message, tensors] of frames) await writeFrame(stream, message, tensors);
  return stream.read() as Buffer;
}

/** What arrives when the bytes come in pieces of this size. */
function received(bytes: Buffer, piece: number): Frame[] {
  const frames: Frame[] = [];
  const stream = new PassThrough();
  readFrames(stream, (message, tensors) => frames.push([message, tensors]));
  for (let at = 0; at < bytes.length; at += piece)
    stream.emit('data', bytes.subarray(at, at + piece));
  return frames;
}

const frames: Frame[] = [
  [{ op: 'first', text: 'ünïcödé' }, []],
  [null, [float32([2, 2], [1, 2, 3, 4]), int64([], [7]), float32([0, 3], [])]],
  [{ op: 'all types' }, dtypes.map((dtype) => zeros(dtype, [3]))],
  [[1, 2], [float32([0], [])]],
  ['last', []],
];

it.each([1, 2, 3, 7, 64, 1 << 20])(
  'carries frames that arrive %i bytes at a time',
  async (piece) => {
    expect(received(await written(frames), piece)).toEqual(frames);
  },
);

it('holds back a frame until its last byte', async () => {
  const bytes = await written([[1, [float32([2], [5, 6])]]]);
  expect(received(bytes.subarray(0, -1), 4)).toEqual([]);
});
