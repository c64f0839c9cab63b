/**
 * @file Rewards standardized: against the last rewards of the same prompt, so that easy prompts do
 * not drown hard ones, or against the draw.
 *
 *   A = (r − mean) / (σ + 10⁻⁶)   over the last `buffer` rewards of the prompt, this draw's included; over the draw while
 *                                 fewer than `minimum` of them are known
 *   A = (r − mean) / (σ + 10⁻⁸)   over the draw, where prompts are not told apart
 *
 * σ is the population's. kvablack/ddpo-pytorch `ddpo_pytorch/stat_tracking.py` and
 * `scripts/train.py`.
 */

export interface AdvantageSettings {
  /** Whether prompts are told apart. */
  perPrompt: boolean;
  /** Rewards remembered of a prompt. */
  buffer: number;
  /** Rewards of a prompt from which on they are what counts. */
  minimum: number;
}

export class AdvantageTracker {
  readonly #settings: AdvantageSettings;
  /** The last rewards of each prompt, oldest first. */
  #recent: ReadonlyMap<string, readonly number[]> = new Map();

  constructor(settings: AdvantageSettings) {
    this.#settings = settings;
  }

  /** What is remembered. */
  get recent(): ReadonlyMap<string, readonly number[]> {
    return this.#recent;
  }

  /** Goes on from what was remembered. */
  load(recent: ReadonlyMap<string, readonly number[]>): void {
    this.#recent = recent;
  }

  /** One advantage per reward of a draw, which is remembered. */
  advantages(prompts: readonly string[], rewards: readonly number[]): number[] {
    const { perPrompt, buffer, minimum } = this.#settings;
    const draw = spreadOf(rewards);
    if (!perPrompt) return rewards.map((reward) => (reward - draw.mean) / (draw.deviation + 1e-8));
    const recent = new Map(this.#recent);
    for (const [i, prompt] of prompts.entries()) {
      recent.set(prompt, [...(recent.get(prompt) ?? []), rewards[i]!].slice(-buffer));
    }
    this.#recent = recent;
    const own = new Map(
      [...new Set(prompts)].map((prompt) => {
        const known = recent.get(prompt) ?? [];
        return [prompt, known.length < minimum ? draw : spreadOf(known)];
      }),
    );
    return rewards.map((reward, i) => {
      const { mean, deviation } = own.get(prompts[i]!) ?? draw;
      return (reward - mean) / (deviation + 1e-6);
    });
  }
}

/** Mean and the population's standard deviation. */
export function spreadOf(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}
