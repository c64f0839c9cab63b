/** @file The blobs of this installation: the one place that says which store they lie in. */
import { folderStore } from './folder';
import type { BlobStat, BlobStore } from './store';

/** The store in use, of the current data folder. */
export function blobStore(): BlobStore {
  return folderStore();
}

/** As `BlobStore.put`. */
export async function putBlob(bytes: Uint8Array): Promise<string> {
  return blobStore().put(bytes);
}

/** As `BlobStore.get`. */
export async function getBlob(hash: string): Promise<Uint8Array> {
  return blobStore().get(hash);
}

/** As `BlobStore.stat`. */
export async function statBlob(hash: string): Promise<BlobStat | null> {
  return blobStore().stat(hash);
}
