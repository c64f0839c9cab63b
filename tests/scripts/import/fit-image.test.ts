import { Readable } from 'node:stream';
import { createDeflate, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import {
  type Alteration,
  type Frame,
  fitImage,
  imageBytesMax,
  pixelsMax,
} from '@/scripts/import/fit-image';
import { decodePng, encodePng } from '@/trainer/diffusion/images/png';

const frame: Frame = { width: 32, height: 32, fit: 'crop' };

/** One colour over all of a picture. */
const plain = (width: number, height: number, [r, g, b]: readonly number[] = [200, 100, 50]) =>
  sharp({ create: { width, height, channels: 3, background: { r: r!, g: g!, b: b! } } });

/** The colour of a pixel after fitting. */
async function pixel(bytes: Uint8Array, x: number, y: number, where: Partial<Frame> = {}) {
  const { png } = await fitImage(bytes, 'picture', { ...frame, ...where });
  const { data, width, height } = decodePng(png, 'fitted');
  expect([width, height]).toEqual([32, 32]);
  return [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
}

const close = (found: number[], wanted: number[], within: number) =>
  found.forEach((value, i) => {
    expect(Math.abs(value - wanted[i]!), `${found} is not ${wanted}`).toBeLessThanOrEqual(within);
  });

describe('a picture', () => {
  const colour = [200, 100, 50];
  const grey = [120, 120, 120];
  /** That ink can print. */
  const dull = [160, 130, 110];
  it.each<[string, () => Sharp, number[], number, Alteration[]]>([
    ['JPEG', () => plain(32, 32).jpeg(), colour, 3, ['converted']],
    ['progressive JPEG', () => plain(32, 32).jpeg({ progressive: true }), colour, 3, ['converted']],
    ['grey JPEG', () => plain(32, 32, grey).toColourspace('b-w').jpeg(), grey, 2, ['converted']],
    ['CMYK JPEG', () => plain(32, 32, dull).toColourspace('cmyk').jpeg(), dull, 8, ['converted']],
    ['WebP', () => plain(32, 32).webp({ quality: 95 }), colour, 4, ['converted']],
    ['lossless WebP', () => plain(32, 32).webp({ lossless: true }), colour, 0, ['converted']],
    ['grey PNG', () => plain(32, 32, grey).toColourspace('b-w').png(), grey, 0, ['converted']],
    [
      'grey PNG of 16 bits',
      () => plain(32, 32, grey).toColourspace('grey16').png(),
      grey,
      1,
      ['converted'],
    ],
    ['PNG of 16 bits', () => plain(32, 32).toColourspace('rgb16').png(), colour, 0, ['converted']],
    ['PNG with a palette', () => plain(32, 32).png({ palette: true }), colour, 0, ['converted']],
    ['interlaced PNG', () => plain(32, 32).png({ progressive: true }), colour, 0, ['converted']],
    ['PNG with an opaque alpha channel', () => plain(32, 32).ensureAlpha().png(), colour, 0, []],
    [
      'PNG that is half transparent, over white',
      () => plain(32, 32).ensureAlpha(0.5).png(),
      [227, 177, 152],
      2,
      ['converted', 'flattened'],
    ],
    [
      'WebP that is not there at all',
      () => plain(32, 32).ensureAlpha(0).webp({ lossless: true }),
      [255, 255, 255],
      0,
      ['converted', 'flattened'],
    ],
    ['larger one', () => plain(64, 64).png(), colour, 0, ['converted', 'scaled']],
    ['smaller one', () => plain(5, 5).png(), colour, 0, ['converted', 'scaled']],
    ['single pixel', () => plain(1, 1).png(), colour, 0, ['converted', 'scaled']],
    ['wide one', () => plain(64, 32).png(), colour, 0, ['converted', 'scaled', 'cropped']],
  ])('as %s comes in with its colour', async (_, made, wanted, within, done) => {
    const bytes = new Uint8Array(await made().toBuffer());
    close(await pixel(bytes, 16, 16), wanted, within);
    expect((await fitImage(bytes, 'picture', frame)).altered).toEqual(done);
  });

  it('that is right already keeps its bytes, with what was noted in it', async () => {
    const own = encodePng({ width: 32, height: 32, data: new Uint8Array(3072).fill(7) });
    const noted = insertChunk(own, 'tEXt', Buffer.from('parameters\0a prompt'));
    for (const bytes of [own, noted]) {
      expect(await fitImage(bytes, 'picture', frame)).toEqual({ png: bytes, altered: [] });
    }
  });

  it('is altered in the same way each time, and once', async () => {
    const bytes = await plain(70, 50).jpeg().toBuffer();
    const [one, two] = await Promise.all([1, 2].map(() => fitImage(bytes, 'picture', frame)));
    expect(one!.png).toEqual(two!.png);
    expect(await fitImage(one!.png, 'picture', frame)).toEqual({ png: one!.png, altered: [] });
  });

  it('is turned as its camera says', async () => {
    // Red above, blue below; orientation 6: the right of what is seen is the top of what is stored.
    const stored = await sharp({
      create: { width: 32, height: 32, channels: 3, background: 'blue' },
    })
      .composite([{ input: await plain(32, 16, [255, 0, 0]).png().toBuffer(), top: 0, left: 0 }])
      .png()
      .toBuffer();
    for (const turned of [
      sharp(stored)
        .withMetadata({ orientation: 6 })
        .jpeg({ quality: 100, chromaSubsampling: '4:4:4' }),
      sharp(stored).withMetadata({ orientation: 6 }).png(),
      sharp(stored).withMetadata({ orientation: 6 }).webp({ lossless: true }),
    ]) {
      const bytes = await turned.toBuffer();
      close(await pixel(bytes, 28, 16), [255, 0, 0], 3);
      close(await pixel(bytes, 4, 16), [0, 0, 255], 3);
      expect((await fitImage(bytes, 'picture', frame)).altered).toEqual(['converted', 'turned']);
    }
  });

  it('of another shape is cropped evenly, or whole on black', async () => {
    // Thirds: red, green, blue.
    const wide = await plain(96, 32, [0, 255, 0])
      .composite([
        { input: await plain(32, 32, [255, 0, 0]).png().toBuffer(), left: 0, top: 0 },
        { input: await plain(32, 32, [0, 0, 255]).png().toBuffer(), left: 64, top: 0 },
      ])
      .png()
      .toBuffer();
    for (const x of [1, 16, 30]) close(await pixel(wide, x, 16), [0, 255, 0], 1);
    const pad = { fit: 'pad' as const };
    expect(await pixel(wide, 16, 2, pad)).toEqual([0, 0, 0]);
    close(await pixel(wide, 4, 16, pad), [255, 0, 0], 2);
    close(await pixel(wide, 27, 16, pad), [0, 0, 255], 2);
    expect((await fitImage(wide, 'picture', { ...frame, ...pad })).altered).toContain('padded');
  });

  it('of another colour space comes in as people see it', async () => {
    const wideGamut = await plain(32, 32, [0, 255, 0]).withIccProfile('p3').png().toBuffer();
    // The same green: what the profile says is undone, so that no reader has to know it.
    close(await pixel(wideGamut, 16, 16), [0, 255, 0], 3);
    expect((await fitImage(wideGamut, 'picture', frame)).altered).toEqual(['converted']);
  });

  it('that moves comes in as its first image', async () => {
    const frames = await Promise.all(
      [
        [255, 0, 0],
        [0, 0, 255],
      ].map((rgb) => plain(32, 32, rgb).png().toBuffer()),
    );
    const moving = await sharp(frames, { join: { animated: true } })
      .webp({ lossless: true })
      .toBuffer();
    expect(await pixel(moving, 16, 16)).toEqual([255, 0, 0]);
  });
});

describe('what is no picture to be had', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['a GIF', Buffer.from('GIF89a\x01\0\x01\0'), /a\.gif is a GIF\. Save it as PNG, JPEG or WebP/],
    ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), /is an SVG/],
    ['text', Buffer.from('not found'), /is no picture/],
    ['nothing', new Uint8Array(), /is no picture/],
    [
      'the beginning of a JPEG',
      Uint8Array.from([255, 216, 255, 224]),
      /is a JPEG that cannot be read/,
    ],
    [
      'the beginning of a PNG',
      Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10]),
      /is a PNG that cannot be read/,
    ],
  ])('%s is refused with the remedy', async (_, bytes, said) => {
    await expect(fitImage(bytes, 'a.gif', frame)).rejects.toThrow(said);
  });

  it('half a file is refused', async () => {
    const noise = {
      width: 64,
      height: 64,
      channels: 3 as const,
      noise: { type: 'gaussian' as const, mean: 128, sigma: 30 },
    };
    const pictures = [
      sharp({ create: { ...noise, background: 'grey' } }).jpeg(),
      sharp({ create: { ...noise, background: 'grey' } }).png(),
      sharp({ create: { ...noise, background: 'grey' } }).webp(),
    ];
    for (const picture of pictures) {
      const whole = await picture.toBuffer();
      await expect(fitImage(whole.subarray(0, whole.length / 2), 'half', frame)).rejects.toThrow(
        /half is a .+ that cannot be read .+ fetch it anew/,
      );
    }
  });

  it('more pixels than memory should hold are refused by the header alone', async () => {
    // 60,000 × 60,000 pixels in some hundred bytes: the rest of the file is never asked for.
    const huge = pngOf({ width: 60_000, height: 60_000, packed: deflateSync(Buffer.alloc(100)) });
    const before = process.memoryUsage.rss();
    await expect(fitImage(huge, 'huge.png', frame)).rejects.toThrow(
      /huge\.png has 60000×60000 pixels, more than 33\.6 million\. Scale it down/,
    );
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20);
    expect(60_000 ** 2).toBeGreaterThan(pixelsMax);
    expect(imageBytesMax).toBeLessThan(2 ** 27);
  });

  it('a small picture that unpacks to very much is read only as far as its rows go', async () => {
    const bomb = pngOf({ width: 32, height: 32, packed: await packedZeros(400) });
    expect(bomb.byteLength).toBeLessThan(2 ** 21);
    const before = process.memoryUsage.rss();
    const fitted = await fitImage(bomb, 'bomb', frame);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20);
    expect(fitted.altered).toEqual(['converted']);
    expect(fitted.png.byteLength).toBeLessThan(1000);
  });
});

/** So many MiB of zeros, packed as they come: they are never all in memory. */
async function packedZeros(mebibytes: number): Promise<Buffer> {
  const mebibyte = Buffer.alloc(2 ** 20);
  const packing = Readable.from(Array.from({ length: mebibytes }, () => mebibyte)).pipe(
    createDeflate({ level: 1 }),
  );
  const pieces: Buffer[] = [];
  for await (const piece of packing) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** A PNG of 8-bit RGB whose packed rows are these. */
function pngOf({
  width,
  height,
  packed,
}: {
  width: number;
  height: number;
  packed: Buffer;
}): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('IDAT', packed),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const whole = Buffer.alloc(body.length + 8);
  whole.writeUInt32BE(data.length, 0);
  body.copy(whole, 4);
  whole.writeUInt32BE(crc32(body), body.length + 4);
  return whole;
}

/** Before the image's data. */
function insertChunk(png: Uint8Array, type: string, data: Buffer): Uint8Array {
  return new Uint8Array(Buffer.concat([png.subarray(0, 33), chunk(type, data), png.subarray(33)]));
}

/** Source: the PNG specification, annex D. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}
