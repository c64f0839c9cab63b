/**
 * @file How Parquet may be packed, without WebAssembly: pages are served under a policy that lets
 * no script compile any, and the package as a whole compiles some when it is imported. Snappy is
 * hyparquet's own.
 */
import { decompress } from 'fzstd';
import { decompressBrotli } from 'hyparquet-compressors/src/brotli.js';
import { gunzip } from 'hyparquet-compressors/src/gzip.js';
import { decompressLz4, decompressLz4Raw } from 'hyparquet-compressors/src/lz4.js';

type Unpack = (packed: Uint8Array, length: number) => Uint8Array;

export const codecs: Record<'GZIP' | 'BROTLI' | 'ZSTD' | 'LZ4' | 'LZ4_RAW', Unpack> = {
  GZIP: (packed, length) => gunzip(packed, new Uint8Array(length)),
  BROTLI: decompressBrotli,
  ZSTD: (packed) => decompress(packed),
  LZ4: decompressLz4,
  LZ4_RAW: decompressLz4Raw,
};
