import { z } from 'zod';
import { answerSchema } from '@/lib/answers';
import { servedGroupSchema, servedPairSchema } from '../../api/label/schema';
import type { BrowserStorage } from '../../components/storage/browser-storage';
import type { Decision } from './label-state';

/** Nothing of what lies in a page is decoded when the page comes back. */
const notDecoded = z.boolean().transform(() => false);

const pairSchema = servedPairSchema.extend({ kind: z.literal('pair'), decoded: notDecoded });

const groupSchema = servedGroupSchema.extend({
  kind: z.literal('group'),
  decoded: notDecoded,
  tagged: z.array(z.string()),
  chosen: z.string().nullable(),
});

const historySchema = z.array(
  z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('answer'),
      atMs: z.number(),
      id: z.string(),
      answer: answerSchema,
      held: pairSchema,
    }),
    z.object({
      kind: z.literal('tagging'),
      atMs: z.number(),
      id: z.string(),
      held: groupSchema,
    }),
    z.object({
      kind: z.literal('skip'),
      atMs: z.number(),
      held: z.discriminatedUnion('kind', [pairSchema, groupSchema]),
    }),
  ]),
);

const keyOf = (owner: string) => `darkroom-history:${owner}`;

/** What a person could take back when this page was last left; none where nothing is kept. */
export function readHistory(storage: BrowserStorage, owner: string): Decision[] {
  const text = storage.read(keyOf(owner));
  if (text === null) return [];
  try {
    return historySchema.parse(JSON.parse(text));
  } catch {
    // Written by an earlier version.
    return [];
  }
}

/** Keeps what can be taken back, for a reload. */
export function keepHistory(storage: BrowserStorage, owner: string, history: Decision[]): void {
  storage.write(keyOf(owner), JSON.stringify(history));
}
