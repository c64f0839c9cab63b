#!/usr/bin/env bash
# DuckDB writes a BLOB into JSON as text with \xHH in place of bytes outside printable ASCII, not as base64, which JSON's
# readers expect of bytes: the images in `jpg_0` and `jpg_1` of Pick-a-Pic's Parquet files, turned into lines by
# `COPY … TO 'x.jsonl' (FORMAT json)`, are no images for any decoder, and nothing is said. base64(column) writes what is meant.
#
# Seen with @duckdb/node-api 1.5.6-r.1 (DuckDB 1.5.6), Node 20:
#   {"jpg_0":"\\xFF\\xD8\\xFF\\xE0\\x00\\x10JFIF"}
#   {"jpg_0":"/9j/4AAQSkZJRg=="}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @duckdb/node-api@1.5.6-r.1
cat >try.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

const duckdb = await (await DuckDBInstance.create()).connect();
const rows = String.raw`(SELECT '\xFF\xD8\xFF\xE0\x00\x10JFIF'::BLOB AS jpg_0)`;
await duckdb.run(`COPY ${rows} TO 'images.parquet' (FORMAT parquet)`);
await duckdb.run(`COPY (FROM 'images.parquet') TO 'plain.jsonl' (FORMAT json)`);
await duckdb.run(
  `COPY (SELECT base64(jpg_0) AS jpg_0 FROM 'images.parquet') TO 'base64.jsonl' (FORMAT json)`,
);
const [plain, base64] = ['plain', 'base64'].map((name) => {
  const line = readFileSync(`${name}.jsonl`, 'utf8');
  console.log(line.trim());
  return JSON.parse(line).jpg_0;
});
const isAsSeen =
  plain === String.raw`\xFF\xD8\xFF\xE0\x00\x10JFIF` &&
  Buffer.from(base64, 'base64').toString('hex') === 'ffd8ffe000104a464946';
if (!isAsSeen) {
  console.error('DuckDB writes BLOBs otherwise now.');
  process.exit(1);
}
JS
node try.mjs
