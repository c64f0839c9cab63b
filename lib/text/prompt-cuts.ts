/**
 * @file Where a prompt stops reaching a model whose tokenizer takes only so many tokens. People
 * judge by the whole of it.
 */

/** How a tokenizer measures texts. Blanks must end a token, as they do in CLIP's and BERT's. */
export interface PromptMeasure {
  /** Tokens that a prompt may have, start and end not counted. */
  room: number;
  /** Tokens of a text, start and end not counted. */
  tokensOf(text: string): number;
}

/** Of several encoders' measures the one that most of a prompt reaches the model by. */
export function roomiest(measures: readonly PromptMeasure[]): PromptMeasure {
  return measures.reduce((most, one) => (one.room > most.room ? one : most));
}

export interface PromptCut {
  prompt: string;
  /** Tokens that the whole of it would take. */
  tokens: number;
  /** The words that reach the model. */
  kept: string;
  /** Those that do not, the one included of which only a part does. */
  lost: string;
}

/** The prompts that do not fit whole, in their order. */
export function promptCuts(prompts: Iterable<string>, measure: PromptMeasure): PromptCut[] {
  const { room } = measure;
  // Prompts share most of their words.
  const known = new Map<string, number>();
  const measured = (word: string) => {
    const tokens = known.get(word) ?? measure.tokensOf(word);
    known.set(word, tokens);
    return tokens;
  };
  const cuts: PromptCut[] = [];
  for (const prompt of prompts) {
    let [tokens, fits] = [0, prompt.length];
    for (const { 0: word, index } of prompt.matchAll(/\S+/g)) {
      tokens += measured(word);
      if (tokens > room) fits = Math.min(fits, index);
    }
    if (tokens <= room) continue;
    cuts.push({
      prompt,
      tokens,
      kept: prompt.slice(0, fits).trimEnd(),
      lost: prompt.slice(fits).trimEnd(),
    });
  }
  return cuts;
}

/** Of several prompts: how many are cut, and the first of them. */
export interface PromptCuts {
  cut: number;
  first: PromptCut | null;
  /** Tokens that a prompt may have; null where nobody knows. */
  room: number | null;
}

const shownLength = 60;

/**
 * Which of `total` prompts are cut, where, and what is to be done, as sentences for people; null
 * where none is.
 */
export function promptCutText({ cut, first, room }: PromptCuts, total: number): string | null {
  if (!first) return null;
  const some =
    total === 1 ? 'The prompt is' : `${cut} of ${total} prompts ${cut === 1 ? 'is' : 'are'}`;
  const kept = first.kept.length > shownLength ? `…${first.kept.slice(-shownLength)}` : first.kept;
  const lost =
    first.lost.length > shownLength ? `${first.lost.slice(0, shownLength)}…` : first.lost;
  const where = kept === '' ? 'in its first word' : `after “${kept}”`;
  return `${some} longer than the ${room} tokens that reach the model. ${cut === 1 ? 'It' : 'The first'} is cut ${where}: the model never reads all of “${lost}”, by which people judge. Shorten ${cut === 1 ? 'it' : 'them'}.`;
}
