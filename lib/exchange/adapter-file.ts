/**
 * An adapter as other programs read it. Programs differ in where they look for LoRA's alpha:
 * diffusers in the header, ComfyUI and kohya's scripts in tensors named `.alpha`, others nowhere.
 * Where alpha is the rank, all of them apply the adapter once.
 */
import { z } from 'zod';
import { AppError } from '../errors';

const noteSchema = z.looseObject({
  loraRank: z.number().positive(),
  loraAlpha: z.number().positive(),
});

const headerSchema = z.looseObject({ __metadata__: z.record(z.string(), z.string()) });
const tensorSchema = z.object({
  dtype: z.literal('F32'),
  data_offsets: z.tuple([z.number().int().nonnegative(), z.number().int().nonnegative()]),
});

/** 8 bytes of header length come first; the data begin at a multiple of 8. */
const lengthBytes = 8;

/**
 * The same adapter with alpha = rank: `lora_B` is multiplied by alpha / rank, so that strength 1 is
 * strength 1 for every reader. A file that is so already, or holds whole weights, comes back as it
 * is. `bytes`: a safetensors file as the trainer writes it (float32). Throws 'data-corrupt' where
 * it is none.
 */
export function atUnitStrength(bytes: Uint8Array): Uint8Array {
  const { header, note, dataStart } = readHeader(bytes);
  const scale = note.loraAlpha / note.loraRank;
  if (scale === 1 || note.trainables === 'full') return bytes;
  const { darkroom: _, lora_adapter_metadata: __, ...metadata } = header.__metadata__;
  const own = JSON.stringify({ ...note, loraAlpha: note.loraRank });
  const text = JSON.stringify({ ...header, __metadata__: { ...metadata, darkroom: own } });
  const said = new TextEncoder().encode(text);
  const headerBytes = Math.ceil(said.length / 8) * 8;
  const out = new Uint8Array(lengthBytes + headerBytes + bytes.length - dataStart).fill(0x20);
  const view = new DataView(out.buffer);
  view.setBigUint64(0, BigInt(headerBytes), true);
  out.set(said, lengthBytes);
  const begins = lengthBytes + headerBytes;
  out.set(bytes.subarray(dataStart), begins);
  for (const [name, described] of Object.entries(header)) {
    if (!name.endsWith('.lora_B.weight')) continue;
    const [first, last] = tensorSchema.parse(described).data_offsets;
    for (let at = begins + first; at < begins + last; at += 4) {
      view.setFloat32(at, view.getFloat32(at, true) * scale, true);
    }
  }
  return out;
}

function readHeader(bytes: Uint8Array) {
  try {
    const length = new DataView(bytes.buffer, bytes.byteOffset, lengthBytes).getBigUint64(0, true);
    const dataStart = lengthBytes + Number(length);
    const text = new TextDecoder().decode(bytes.subarray(lengthBytes, dataStart));
    const header = headerSchema.parse(JSON.parse(text));
    const note = noteSchema.parse(JSON.parse(header.__metadata__.darkroom ?? ''));
    return { header, note, dataStart };
  } catch (cause) {
    throw new AppError(
      'data-corrupt',
      'The stored adapter is damaged: its header cannot be read. Restore it from a backup.',
      { cause },
    );
  }
}
