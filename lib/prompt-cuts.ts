/** @file Where a prompt stops reaching a model whose tokenizer takes only so many tokens. People judge by the whole of it. */

/** How a tokenizer measures texts. Blanks must end a token, as they do in CLIP's and BERT's. */
export interface PromptMeasure {
  /** Tokens that a prompt may have, start and end not counted. */
  room: number;
  /** Tokens of a text, start and end not counted. */
  tokensOf(text: string): number;
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
export function promptCuts(
  prompts: Iterable<string>,
  { room, tokensOf }: PromptMeasure,
): PromptCut[] {
  // Prompts share most of their words.
  const known = new Map<string, number>();
  const measured = (word: string) => {
    const tokens = known.get(word) ?? tokensOf(word);
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

/** How many prompts are cut, where, and what is to be done, as a sentence for people; null where none is. */
export function promptCutText(
  cuts: readonly PromptCut[],
  total: number,
  room: number,
): string | null {
  const [first] = cuts;
  if (!first) return null;
  const some =
    total === 1
      ? 'The prompt is'
      : `${cuts.length} of ${total} prompts ${cuts.length === 1 ? 'is' : 'are'}`;
  const which = cuts.length === 1 ? 'It ends' : 'The first ends';
  const kept = first.kept.length > 60 ? `… ${first.kept.slice(-60)}` : first.kept;
  const lost = first.lost.length > 60 ? `${first.lost.slice(0, 60)} …` : first.lost;
  return `${some} longer than the ${room} tokens that reach the model. ${which} for it after “${kept}”; it never sees “${lost}”. People judge by the whole text: shorten it.`;
}
