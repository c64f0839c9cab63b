import sharp from 'sharp';
import { getBlob, putBlob } from '@/db/blobs/blobs';
import { imageInfo, keepThumbnail } from '@/db/rounds/samples';
import { AppError } from '@/lib/errors';

/** Of the longer side, px: twice what a strip shows, for dense screens. */
const sideMax = 128;

/**
 * The blob of a sample's image made small, which is stored with the sample the first time. Whoever
 * judges an image sees the image itself, never this.
 */
export async function thumbnailOf(imageBlob: string): Promise<string> {
  const info = await imageInfo(imageBlob);
  if (!info) throw new AppError('not-found', `No sample has an image ${imageBlob}.`);
  if (info.thumbnailBlob) return info.thumbnailBlob;
  const small = await sharp(await getBlob(imageBlob))
    .resize({ width: sideMax, height: sideMax, fit: 'inside', withoutEnlargement: true })
    .webp({ quality: 80 })
    .toBuffer();
  const thumbnailBlob = await putBlob(small);
  await keepThumbnail({ imageBlob, thumbnailBlob });
  return thumbnailBlob;
}
