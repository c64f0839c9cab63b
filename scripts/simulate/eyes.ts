import { decode } from 'fast-png';
import { Judge } from '@/trainer/hands/judge/judge';
import type { Verdict } from '@/trainer/hands/judge/verdict';
import { Engine } from '@/trainer/runtime/engine';

/** The 8-bit RGB pixels of a PNG; other kinds are refused, because the judge has never seen any. */
function pixelsOf(png: Uint8Array): Uint8Array {
  const { data, channels, depth, width, height } = decode(png);
  if (channels !== 3 || depth !== 8) {
    throw new Error(
      `an image of ${width}×${height} has ${channels} channels of ${depth} bits; simulated annotators read 8-bit RGB`,
    );
  }
  return Uint8Array.from(data);
}

/**
 * The eyes of all simulated annotators: judge B. Rounds are measured by judge A, which was trained
 * apart, so that nobody measures what it has itself asked for.
 */
export async function openEyes(): Promise<{
  read(left: Uint8Array, right: Uint8Array): Promise<[Verdict, Verdict]>;
  close(): Promise<void>;
}> {
  const engine = await Engine.open({ device: 'cpu', threads: 1 });
  const judge = await Judge.open(engine, 'b');
  return {
    async read(left, right) {
      const [a, b] = await judge.measure([left, right].map(pixelsOf));
      return [a!.verdict, b!.verdict];
    },
    close: () => engine.close(),
  };
}
