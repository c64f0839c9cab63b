#!/usr/bin/env bash
# hyparquet-compressors 1.1.2, which unpacks Parquet in JavaScript, cannot be imported where WebAssembly may not be compiled, as on
# a page whose Content-Security-Policy has no 'wasm-unsafe-eval': it compiles its Snappy at the moment of its import. So gzip, Brotli,
# LZ4 and Zstandard cannot be had from it either, though each of them is plain JavaScript and works when its own file is imported.
# Node's --jitless, which has no WebAssembly, stands for such a page here. Seen with Node 20.20.2:
#   the package:         ReferenceError: WebAssembly is not defined
#   its src/gzip.js:     hands
#   the package, with WebAssembly: hands
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund hyparquet-compressors@1.1.2

cat >unpack.mjs <<'JS'
import { gzipSync } from 'node:zlib';

try {
  const { gunzip } = await import(process.argv[2]);
  const packed = new Uint8Array(gzipSync('hands'));
  console.log(new TextDecoder().decode(gunzip(packed, new Uint8Array(5))));
} catch (error) {
  console.log(`${error.name}: ${error.message}`);
}
JS

check() {
  echo "$1: $2"
  [ "$2" = "$3" ] || { echo "This has changed; it was: $3"; exit 1; }
}
check 'the package' "$(node --jitless unpack.mjs hyparquet-compressors 2>/dev/null)" \
  'ReferenceError: WebAssembly is not defined'
check 'its src/gzip.js' "$(node --jitless unpack.mjs hyparquet-compressors/src/gzip.js 2>/dev/null)" 'hands'
check 'the package, with WebAssembly' "$(node unpack.mjs hyparquet-compressors)" 'hands'
