/** @file Annotators who do not give up, and who remember what they were told. */
import type { Outcome, PreferenceRequest } from '@/app/api/label/schema';
import { createInvitation } from '@/db/people/invitations';
import { annotate } from '@/scripts/simulate/annotator';
import { Client } from '@/scripts/simulate/client';
import type { Stopwatch } from '@/scripts/simulate/stopwatch';
import { createRandom } from '@/trainer/random';

/** Every answer that was sent, and what the server last said of it. */
export type Ledger = Map<string, { answer: string; outcome: Outcome['outcome'] | 'unanswered' }>;

class Recorder extends Client {
  constructor(
    url: string,
    stopwatch: Stopwatch,
    private readonly ledger: Ledger,
  ) {
    super(url, stopwatch, true);
  }

  override async answer(preference: PreferenceRequest): Promise<Outcome> {
    const { id, answer } = preference;
    this.ledger.set(id, { answer, outcome: 'unanswered' });
    const said = await super.answer(preference);
    this.ledger.set(id, { answer, outcome: said.outcome });
    return said;
  }
}

/** Labels with so many people until told to stop; resolves when the last has put the mouse down. */
export async function labelWith(
  count: number,
  options: { url: string; seed: number; thinkMs: number; stopwatch: Stopwatch; ledger: Ledger },
  signal: AbortSignal,
): Promise<void> {
  const person = async (index: number) => {
    const random = createRandom(options.seed * 1000 + index);
    const { token } = await createInvitation({ role: 'annotator', createdBy: null });
    const client = new Recorder(options.url, options.stopwatch, options.ledger);
    await client.join(token, `Simulated ${index + 1}`);
    await annotate(client, {
      signal,
      onPick: () => {},
      thinkMs: () => -Math.log(1 - random.next()) * options.thinkMs,
      choose: async () => random.pick(['left', 'right'] as const),
    });
  };
  await Promise.all(Array.from({ length: count }, (_, index) => person(index)));
}
