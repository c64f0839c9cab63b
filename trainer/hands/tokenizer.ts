/**
 * @file Writes the built-in policy's tokenizer in CLIP's own format: lower-cased byte-pair encoding
 * with `</w>` ends. The merges make every word of the prompt grammar one token; any other text
 * falls back to its bytes.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BACKGROUND_NAMES, POSE_NAMES, SKIN_NAMES, SLEEVE_NAMES } from './world/attributes';

/** Tokens per prompt, start and end included: the longest prompt of the grammar fits exactly. */
export const PROMPT_TOKENS = 16;

export const START_TOKEN = '<|startoftext|>';
export const END_TOKEN = '<|endoftext|>';
const WORD_END = '</w>';

const WORDS = [
  ...new Set(
    ['hand', 'skin', 'sleeve', 'background']
      .concat(SKIN_NAMES, SLEEVE_NAMES, BACKGROUND_NAMES, POSE_NAMES)
      .flatMap((name) => name.split(' ')),
  ),
];

/**
 * GPT-2's printable stand-ins for the 256 bytes, in vocabulary order: printable bytes first, then
 * the others.
 */
function byteCharacters(): string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const others = bytes.filter((byte) => !printable(byte));
  return [
    ...bytes.filter(printable).map((byte) => String.fromCharCode(byte)),
    ...others.map((_, index) => String.fromCharCode(256 + index)),
  ];
}

/**
 * Merges that grow each word from its left. Longer words come first: byte-pair encoding applies the
 * earliest merge that fits anywhere in a word, so "gr" of "green" must rank after all merges of
 * "background".
 */
function wordMerges(words: readonly string[]): [string, string][] {
  const merges: [string, string][] = [];
  const known = new Set<string>();
  for (const word of [...words].sort((a, b) => b.length - a.length || (a < b ? -1 : 1))) {
    const symbols = [...word].map((letter, at) =>
      at === word.length - 1 ? letter + WORD_END : letter,
    );
    let grown = symbols[0]!;
    for (const symbol of symbols.slice(1)) {
      if (!known.has(grown + symbol)) merges.push([grown, symbol]);
      grown += symbol;
      known.add(grown);
    }
  }
  return merges;
}

export interface TokenizerFiles {
  /** Token to id. */
  vocabulary: Record<string, number>;
  merges: readonly [string, string][];
}

/** The vocabulary and merges of the built-in tokenizer. */
export function buildTokenizer(): TokenizerFiles {
  const merges = wordMerges(WORDS);
  const bytes = byteCharacters();
  const tokens = [
    ...bytes,
    ...bytes.map((character) => character + WORD_END),
    ...merges.map(([left, right]) => left + right),
    START_TOKEN,
    END_TOKEN,
  ];
  return { vocabulary: Object.fromEntries(tokens.map((token, id) => [token, id])), merges };
}

/** The same tokenizer as one file, for the `tokenizers` library. */
function tokenizerJson({ vocabulary, merges }: TokenizerFiles): object {
  const special = (content: string) => ({
    id: vocabulary[content],
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [special(START_TOKEN), special(END_TOKEN)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        {
          type: 'Split',
          pattern: {
            Regex:
              "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+",
          },
          behavior: 'Removed',
          invert: true,
        },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [END_TOKEN, vocabulary[END_TOKEN]],
      cls: [START_TOKEN, vocabulary[START_TOKEN]],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: END_TOKEN,
      continuing_subword_prefix: '',
      end_of_word_suffix: WORD_END,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: vocabulary,
      merges,
    },
  };
}

/** Writes vocab.json, merges.txt, tokenizer.json and tokenizer_config.json into `folder`. */
export function writeTokenizer(folder: string): void {
  const files = buildTokenizer();
  const config = {
    bos_token: START_TOKEN,
    do_lower_case: true,
    eos_token: END_TOKEN,
    model_max_length: PROMPT_TOKENS,
    pad_token: END_TOKEN,
    tokenizer_class: 'CLIPTokenizer',
    unk_token: END_TOKEN,
  };
  const special = (content: string) => ({
    content,
    lstrip: false,
    normalized: true,
    rstrip: false,
    single_word: false,
  });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), `${text}\n`);
  mkdirSync(folder, { recursive: true });
  write('vocab.json', JSON.stringify(files.vocabulary));
  write('merges.txt', ['#version: 0.2', ...files.merges.map((pair) => pair.join(' '))].join('\n'));
  write('tokenizer.json', JSON.stringify(tokenizerJson(files)));
  write('tokenizer_config.json', JSON.stringify(config, null, 2));
  write(
    'special_tokens_map.json',
    JSON.stringify(
      {
        bos_token: special(START_TOKEN),
        eos_token: special(END_TOKEN),
        pad_token: END_TOKEN,
        unk_token: special(END_TOKEN),
      },
      null,
      2,
    ),
  );
}
