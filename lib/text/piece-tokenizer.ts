/**
 * @file Tokenizers of T5 and Gemma, whose `tokenizer.json` says all: how a prompt is made as long
 * as an encoder takes it. What reads the file is given. Source: PreTrainedTokenizerBase of
 * huggingface/transformers, truncation and padding on the right.
 */
import { z } from 'zod';
import { AppError } from '../errors';

/** Of the tokenizers library, what is needed of one. */
export interface PieceEncoder {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  token_to_id(token: string): number | undefined;
}

const tokenSchema = z
  .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
  .nullish()
  .transform((token) => token ?? '<pad>');

/** `tokenizer_config.json`. */
export const pieceConfigSchema = z.object({ pad_token: tokenSchema });

export interface PieceReading {
  /** Ids of a prompt, what stands around it and padding included. */
  length: number;
  /** Trimmed and in lower case. */
  lowerCase?: boolean;
  /** Put before a prompt, with room of its own. */
  instruction?: readonly string[];
}

export class PieceTokenizer {
  readonly maxLength: number;
  readonly #before: readonly number[];
  readonly #after: readonly number[];
  readonly #padding: number;
  readonly #instruction: string;
  /** Ids that an instruction takes beyond a prompt's own. */
  readonly #instructed: number;

  /** @throws AppError where `source` lacks the padding that the configuration names */
  constructor(
    private readonly encoder: PieceEncoder,
    { pad_token }: z.output<typeof pieceConfigSchema>,
    private readonly reading: PieceReading,
    source: string,
  ) {
    this.maxLength = reading.length;
    const padding = encoder.token_to_id(pad_token);
    if (padding === undefined) {
      throw new AppError(
        'unprocessable',
        `${source} lacks "${pad_token}", which tokenizer_config.json names: take both files from one export.`,
      );
    }
    this.#padding = padding;
    const [bare, whole] = [false, true].map(
      (add) => encoder.encode('a', { add_special_tokens: add }).ids,
    ) as [number[], number[]];
    const at = whole.findIndex((_, i) => bare.every((id, k) => whole[i + k] === id));
    this.#before = whole.slice(0, at);
    this.#after = whole.slice(at + bare.length);
    this.#instruction = reading.instruction?.join('\n') ?? '';
    // As diffusers counts it: two less than the instruction with what stands around it.
    this.#instructed =
      this.#instruction === '' ? 0 : this.#around + this.#pieces(this.#instruction).length - 2;
  }

  get #around(): number {
    return this.#before.length + this.#after.length;
  }

  /** Tokens of a prompt that reach the encoder, whatever stands around them. */
  get room(): number {
    const beyond = this.#instruction === '' ? 0 : 2 - this.#around;
    return this.maxLength - this.#around - beyond;
  }

  /** Tokens of a text that others stand before. */
  tokensOf(text: string): number {
    return this.#pieces(`a ${this.#prepared(text)}`).length - this.#pieces('a').length;
  }

  /** Ids with padding, and how many of them are none. What does not fit is cut off at its end. */
  read(prompt: string, instructed = false): { ids: number[]; used: number } {
    const length = this.maxLength + (instructed ? this.#instructed : 0);
    const text = this.#prepared(prompt);
    const pieces = this.#pieces(instructed ? this.#instruction + text : text);
    const kept = pieces.slice(0, length - this.#around);
    const used = [...this.#before, ...kept, ...this.#after];
    const rest = Array<number>(length - used.length).fill(this.#padding);
    return { ids: [...used, ...rest], used: used.length };
  }

  #prepared(text: string): string {
    return this.reading.lowerCase ? text.toLowerCase().trim() : text;
  }

  #pieces(text: string): number[] {
    return this.encoder.encode(text, { add_special_tokens: false }).ids;
  }
}
