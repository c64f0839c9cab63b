/**
 * @file Sizes of images: a pipeline's own, those that its networks take, and the one that a run
 * draws at.
 */
import { z } from 'zod';
import type { SettingProblem } from './setting';

/** A size of images, pixels. */
export const imageSizeSchema = z.object({
  width: z.number().int().positive().max(8192),
  height: z.number().int().positive().max(8192),
});

export type ImageSize = z.infer<typeof imageSizeSchema>;

/** Sizes as people type them, "512, 768x512"; null for what is none. */
export function sizesIn(text: string): ImageSize[] | null {
  const typed = text.split(/[,;\s]+/).filter(Boolean);
  const sizes = typed.map((one) => {
    const [, width, height = width] = /^(\d+)(?:[x×](\d+))?$/.exec(one) ?? [];
    return imageSizeSchema.safeParse({ width: Number(width), height: Number(height) }).data;
  });
  return sizes.includes(undefined) ? null : (sizes as ImageSize[]);
}

/** "512 × 768". */
export function sizeText({ width, height }: ImageSize): string {
  return `${width} × ${height}`;
}

/** What a pipeline's networks take beside its own size; null: nothing. */
export const drawableSizesSchema = z
  .object({
    /** Width and height are multiples of these. */
    multiplesOf: imageSizeSchema,
    /** Where they end; null: not below four times the own size. */
    most: imageSizeSchema.nullable(),
  })
  .nullable();

export type DrawableSizes = z.infer<typeof drawableSizesSchema>;

/** What is known of the sizes of a pipeline's images. */
export interface KnownSizes {
  own: ImageSize | undefined;
  /** Undefined: its import did not look. */
  drawable: DrawableSizes | undefined;
}

/** What a base policy says of sizes: the built-in one, which was not imported, takes one. */
export function knownSizes({
  width,
  height,
  found,
}: {
  width?: number;
  height?: number;
  found?: { drawable?: DrawableSizes };
}): KnownSizes {
  return {
    own: width && height ? { width, height } : undefined,
    drawable: found ? found.drawable : null,
  };
}

/** ", or any multiples of 64 × 64 up to 1024 × 1024": goes on after the own size. */
export function drawableText(drawable: DrawableSizes | undefined): string {
  if (drawable === undefined) return '';
  if (drawable === null) return ', no others';
  const { multiplesOf, most } = drawable;
  return `, or any multiples of ${sizeText(multiplesOf)}${most ? ` up to ${sizeText(most)}` : ''}`;
}

/** Both sides in pixels, or 0 for the pipeline's own size. */
interface AskedSize {
  imageWidth: number;
  imageHeight: number;
}

/** The size that a run draws at; null: its pipeline's own, as before there was a choice. */
export function sizeAsked({ imageWidth, imageHeight }: Partial<AskedSize>): ImageSize | null {
  const [width, height] = [imageWidth ?? 0, imageHeight ?? 0];
  return width === 0 && height === 0 ? null : { width, height };
}

/** Why a pipeline cannot draw at a size, with the remedy; null where it can. */
export function sizeProblem(
  asked: AskedSize,
  { own, drawable }: KnownSizes,
): SettingProblem | null {
  const size = sizeAsked(asked);
  if (size === null || (size.width === own?.width && size.height === own.height)) return null;
  const ownText = own ? `, ${sizeText(own)}` : '';
  const inWidth = (says: string) => ({ at: 'sampling.imageWidth', says });
  const inHeight = (says: string) => ({ at: 'sampling.imageHeight', says });
  const both = `Give both width and height, or set both to 0: then images have the pipeline’s own size${ownText}.`;
  if (size.width === 0) return inWidth(both);
  if (size.height === 0) return inHeight(both);
  if (drawable === undefined) {
    return inWidth(
      `Which sizes this pipeline takes was not looked at when it was imported. Import it again (npm run policy:import -- FOLDER), or set both to 0: its own size${ownText}.`,
    );
  }
  if (drawable === null) {
    return inWidth(
      `The networks of this pipeline take one size only. Set both to 0: its own size${ownText}.`,
    );
  }
  const { multiplesOf, most } = drawable;
  if (size.width % multiplesOf.width !== 0) {
    return inWidth(
      `It is ${size.width}, and the networks of this pipeline take multiples of ${multiplesOf.width}.`,
    );
  }
  if (size.height % multiplesOf.height !== 0) {
    return inHeight(
      `It is ${size.height}, and the networks of this pipeline take multiples of ${multiplesOf.height}.`,
    );
  }
  if (most && size.width > most.width) {
    return inWidth(`The networks of this pipeline take at most ${most.width}.`);
  }
  if (most && size.height > most.height) {
    return inHeight(`The networks of this pipeline take at most ${most.height}.`);
  }
  return null;
}
