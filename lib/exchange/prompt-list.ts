/** @file Prompts as files bring them: each once, without what a run could not take. */

/** What a run takes: characters of a prompt, and prompts. */
export const promptCharactersMax = 1000;
export const promptsMax = 100_000;

/** Columns that hold prompts, the first that is there counts; as whoever wrote them has it. */
const promptColumns = ['caption', 'prompt', 'text'];

export interface PromptList {
  prompts: string[];
  /** Left out: without a letter, there already, too long, past the number that a run takes. */
  empty: number;
  repeated: number;
  long: number;
  over: number;
}

/** Takes prompts one after the other. */
export class PromptCollector {
  readonly #seen: Set<string>;
  readonly list: PromptList = { prompts: [], empty: 0, repeated: 0, long: 0, over: 0 };

  /** @param known prompts that are there already */
  constructor(known: readonly string[] = []) {
    this.#seen = new Set(known);
  }

  /** A prompt is one line: breaks become spaces. What is no text counts as empty. */
  add(value: unknown): void {
    const prompt = typeof value === 'string' ? value.trim().replaceAll(/\s*[\r\n]+\s*/g, ' ') : '';
    const { list } = this;
    if (prompt === '') list.empty++;
    else if (this.#seen.has(prompt)) list.repeated++;
    else if (prompt.length > promptCharactersMax) list.long++;
    else if (this.#seen.size >= promptsMax) list.over++;
    else {
      this.#seen.add(prompt);
      list.prompts.push(prompt);
    }
  }
}

/** The column of a table that holds prompts; null where none is called so and there are several. */
export function promptColumn(columns: readonly string[]): string | null {
  const named = promptColumns.map((name) =>
    columns.find((column) => column.trim().toLowerCase() === name),
  );
  const [only] = columns;
  return named.find((column) => column !== undefined) ?? (columns.length === 1 ? only! : null);
}

/** `412 prompts from words.csv; left out: 3 repeated, 1 empty`. */
export function toldPrompts({ prompts, ...left }: PromptList, file: string): string {
  const reasons = [
    [left.repeated, 'repeated'],
    [left.empty, 'empty'],
    [left.long, `longer than ${promptCharactersMax.toLocaleString('en')} characters`],
    [left.over, `beyond the ${promptsMax.toLocaleString('en')} that a run takes`],
  ] as const;
  const told = reasons.flatMap(([count, why]) =>
    count === 0 ? [] : [`${count.toLocaleString('en')} ${why}`],
  );
  const many = prompts.length === 1 ? '1 prompt' : `${prompts.length.toLocaleString('en')} prompts`;
  return `${many} from ${file}${told.length === 0 ? '' : `; left out: ${told.join(', ')}`}`;
}
