/**
 * @file What a file is by its first bytes, and how one that is no file of lines is turned into one.
 */
import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';

/** Pictures by their first bytes, in hexadecimal. Only the first three are read. */
const pictures: readonly (readonly [RegExp, string])[] = [
  [/^89504e470d0a1a0a/, 'PNG'],
  [/^ffd8ff/, 'JPEG'],
  [/^52494646.{8}57454250/, 'WebP'],
  [/^47494638/, 'a GIF'],
  [/^424d.{8}00000000/, 'a BMP'],
  [/^(?:49492a00|4d4d002a|49492b00)/, 'a TIFF'],
  [/^.{8}66747970(?:61766966|61766973)/, 'an AVIF'],
  [/^.{8}66747970(?:686569|6d696631|6d736631)/, 'a HEIC'],
  [/^(?:ff0a|0000000c4a584c20)/, 'a JPEG XL'],
  [/^38425053/, 'a Photoshop file'],
  [/^(?:3c737667|3c3f786d6c)/, 'an SVG'],
];

/** What kind of picture bytes are; undefined where they are none. */
export function pictureKind(bytes: Uint8Array): string | undefined {
  const hex = Buffer.from(bytes.subarray(0, 16)).toString('hex');
  return pictures.find(([pattern]) => pattern.test(hex))?.[1];
}

const duckdb = (select: string, lines: string) =>
  `duckdb -c "COPY (${select}) TO '${lines}' (FORMAT json)"`;

/** What is no text, by its first bytes in hexadecimal: what it is, and what to do. */
const packed: readonly (readonly [RegExp, string, (file: string, lines: string) => string])[] = [
  [
    /^(?:4152524f5731|ffffffff)/,
    'an Arrow file',
    () => 'Save it as Parquet: Dataset.to_parquet(path)',
  ],
  [/^1f8b/, 'packed with gzip', (file) => `Unpack it: gunzip -k '${file}'`],
  [/^28b52ffd/, 'packed with Zstandard', (file) => `Unpack it: zstd -d '${file}'`],
  [/^425a68/, 'packed with bzip2', (file) => `Unpack it: bunzip2 -k '${file}'`],
  [/^fd377a585a00/, 'packed with xz', (file) => `Unpack it: unxz -k '${file}'`],
  [
    /^504b0[357]0[468]/,
    'a ZIP archive',
    (file) => `Unpack it and give the file of lines in it: unzip '${file}'`,
  ],
  [
    /^377abcaf271c/,
    'a 7z archive',
    (file) => `Unpack it and give the file of lines in it: 7z x '${file}'`,
  ],
  [
    /^.{514}7573746172/,
    'a tar archive',
    (file) => `Unpack it and give the file of lines in it: tar xf '${file}'`,
  ],
  [
    /^53514c69746520666f726d6174203300/,
    'an SQLite database',
    () => 'Write the answers in it as lines of JSON',
  ],
  [
    /^(?:80[0-5]|934e554d5059|89484446)/,
    'an array or object that Python has saved',
    () =>
      'Write its rows as lines of JSON: pandas.DataFrame(rows).to_json(path, orient="records", lines=True)',
  ],
  [/^(?:fffe|feff)/, 'text in UTF-16', () => 'Save it as UTF-8'],
];

const headBytes = 65_536;

/**
 * One sentence on a file that holds neither JSON nor Parquet, with what to do; null where it may be
 * read.
 * @param file its path; what is empty is no such file either
 */
export async function otherKind(file: string): Promise<string | null> {
  const { size } = await stat(file);
  const handle = await open(file, 'r');
  try {
    const head = Buffer.alloc(Math.min(headBytes, size));
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    return kindOfHead(file, head.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

function kindOfHead(file: string, head: Buffer): string | null {
  const extension = extname(file);
  const lines = `${extension ? file.slice(0, -extension.length) : file}.jsonl`;
  const picture = pictureKind(head);
  if (picture && picture !== 'an SVG') {
    const article = picture.includes(' ') ? picture : `a ${picture}`;
    return `${file} is ${article}, not a file of answers. Give the file whose lines name such images.`;
  }
  const hex = head.subarray(0, 512).toString('hex');
  if (hex.startsWith('50415231')) return null;
  const found = packed.find(([pattern]) => pattern.test(hex));
  if (found) return `${file} is ${found[1]}, not lines of JSON. ${found[2](file, lines)}`;
  if (head.includes(0)) return `${file} is no text. Give a file with one JSON object a line.`;
  return kindOfText(
    file,
    lines,
    head
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .trim(),
  );
}

function kindOfText(file: string, lines: string, text: string): string | null {
  if (text === '') return `${file} is empty. Give a file with one JSON object a line.`;
  const [first = ''] = text.split('\n', 1).map((line) => line.trim());
  if (/^\{(?:\s*"[^"]*"\s*:\s*[[{]?)?$/.test(first)) {
    return `${file} is JSON over several lines. Put each answer in a line of its own: jq -c . '${file}' > '${lines}'`;
  }
  if (first.startsWith('version https://git-lfs.')) {
    return `${file} is what Git LFS leaves in place of a file. Fetch the file itself: git lfs pull`;
  }
  if (/^<(?:!doctype|html|\?xml|svg)/i.test(first)) {
    return `${file} is a page, not lines of JSON. Download the file that it is about.`;
  }
  if (/^[^{]*\bcaption\b/.test(first) && /[,;\t]/.test(first)) {
    return `${file} is a table (CSV or TSV), not lines of JSON. Turn it into lines: ${duckdb(`SELECT * FROM read_csv('${file}')`, lines)}`;
  }
  return null;
}
