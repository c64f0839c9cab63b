import { z } from 'zod';
import { answerSchema } from '@/lib/answers';
import { flagKindSchema } from '@/lib/flags';
import { pairsInHand } from '@/lib/leases';

/**
 * What the labeling screen and its routes say to each other. Times in ms unless the name says
 * otherwise.
 */

const id = z.string().min(1).max(64);

/**
 * One image of a pair or a group: `src` is byte-exact and never changes; `flags` are the person's
 * own.
 */
export const servedImageSchema = z.object({
  sampleId: z.string(),
  src: z.string(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  flags: z.array(flagKindSchema),
});

export type ServedImage = z.infer<typeof servedImageSchema>;

/** A leased pair in the order drawn by the server. Nothing in it tells which policy drew what. */
export const servedPairSchema = z.object({
  leaseId: z.string(),
  prompt: z.string(),
  left: servedImageSchema,
  right: servedImageSchema,
  sensitive: z.boolean(),
});

export type ServedPair = z.infer<typeof servedPairSchema>;

/**
 * A leased group: several images of one prompt in the order drawn by the server, of which the bad
 * ones are to be tagged.
 */
export const servedGroupSchema = z.object({
  leaseId: z.string(),
  groupId: z.string(),
  prompt: z.string(),
  images: z.array(servedImageSchema),
  sensitive: z.boolean(),
});

export type ServedGroup = z.infer<typeof servedGroupSchema>;

export const progressSchema = z.object({
  own: z.object({ today: z.number(), round: z.number(), total: z.number() }),
  round: z
    .object({
      ordinal: z.number(),
      of: z.enum(['pairs', 'groups']),
      labeled: z.number(),
      wanted: z.number(),
    })
    .nullable(),
});

export type LabelProgress = z.infer<typeof progressSchema>;

export const guidelinesSchema = z.object({ version: z.number().int(), markdown: z.string() });

export type GuidelinesText = z.infer<typeof guidelinesSchema>;

/** A line in which two versions of the guidelines differ, in runs of one kind. */
const changedLineSchema = z.array(
  z.object({ kind: z.enum(['kept', 'added', 'removed']), text: z.string() }),
);

export type ChangedLine = z.infer<typeof changedLineSchema>;

/** What is new in the guidelines for somebody who accepted an earlier version. */
const newSinceSchema = z.object({ version: z.number().int(), lines: z.array(changedLineSchema) });

export type NewSince = z.infer<typeof newSinceSchema>;

/** Why there is nothing to show. */
export const idleSchema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('consent'),
    guidelines: guidelinesSchema,
    /** Null: the first version that the person reads. */
    newSince: newSinceSchema.nullable(),
  }),
  z.object({ state: z.literal('sampling'), etaSeconds: z.number().nullable() }),
  z.object({ state: z.literal('training'), etaSeconds: z.number().nullable() }),
  z.object({ state: z.literal('all-leased'), retryAfterMs: z.number() }),
  z.object({ state: z.literal('hand-full'), retryAfterMs: z.number() }),
  z.object({ state: z.literal('done') }),
  z.object({ state: z.literal('no-round') }),
  z.object({ state: z.literal('paused') }),
]);

export type Idle = z.infer<typeof idleSchema>;

/** When today began where the person is; without it, where the server is. */
export const daySchema = z.object({
  dayStartMs: z.coerce
    .number()
    .int()
    .default(() => new Date().setHours(0, 0, 0, 0)),
});

/** Groups in hand, one shown and one ahead: each is several times as many images as a pair. */
export const groupsInHand = 2;

export const nextRequestSchema = daySchema.extend({
  /** How many more are wanted; nobody gets more than a page has in hand. */
  count: z.coerce
    .number()
    .int()
    .min(1)
    .default(pairsInHand)
    .transform((count) => Math.min(count, pairsInHand)),
  /** Leases that the screen still has in hand, and those whose answer is on its way. */
  holding: z
    .string()
    .max(4000)
    .default('')
    .transform((list) => list.split(',').filter(Boolean)),
});

export const nextAnswerSchema = z.object({
  progress: progressSchema,
  /** How long the leases in hand last at least; renew well before. */
  leaseSeconds: z.number().nullable(),
  supply: z.union([
    z.object({ state: z.literal('pairs'), pairs: z.array(servedPairSchema) }),
    z.object({ state: z.literal('groups'), groups: z.array(servedGroupSchema) }),
    idleSchema,
  ]),
});

export type NextAnswer = z.infer<typeof nextAnswerSchema>;

/** The last instant that a date can name. */
const instantSchema = z.number().int().nonnegative().max(8.64e15);

export const preferenceRequestSchema = z.object({
  /** Made by the client, so that sending again changes nothing. */
  id: z.uuid(),
  leaseId: id,
  answer: answerSchema,
  shownAtMs: instantSchema,
  decidedAtMs: instantSchema,
  guidelinesVersion: z.number().int().nullable(),
});

export type PreferenceRequest = z.infer<typeof preferenceRequestSchema>;

/** A pair's lease, or a group's. */
export const skipRequestSchema = z.union([
  z.object({ leaseId: id }),
  z.object({ groupLeaseId: id }),
]);

export const taggingRequestSchema = z.object({
  /** Made by the client, so that sending again changes nothing. */
  id: z.uuid(),
  groupId: id,
  /** The bad ones; none is an answer too. */
  taggedSampleIds: z.array(id).max(64),
});

/** Takes back an answer, a skip or a tagging. */
export const undoRequestSchema = z.union([
  z.object({ preferenceId: z.uuid() }),
  z.object({ skippedLeaseId: id }),
  z.object({ taggingId: z.uuid() }),
  z.object({ skippedGroupLeaseId: id }),
]);

export type UndoRequest = z.infer<typeof undoRequestSchema>;

export const flagRequestSchema = z.object({ sampleId: id, kind: flagKindSchema, set: z.boolean() });

/**
 * What became of an action. `counted`: it stands. The others: it was not needed, because others
 * were faster or are at it, the pair was withdrawn, or it is too late to take it back.
 */
export const outcomeSchema = z.object({
  outcome: z.enum([
    'counted',
    'already-answered',
    'pair-complete',
    'taken',
    'withdrawn',
    'too-late',
  ]),
  progress: progressSchema.optional(),
});

export type Outcome = z.infer<typeof outcomeSchema>;

const ids = z.array(id).max(20).default([]);

/** Leases of pairs and of groups, at least one. */
export const leasesRequestSchema = z
  .object({ leaseIds: ids, groupLeaseIds: ids })
  .refine((body) => body.leaseIds.length + body.groupLeaseIds.length > 0, {
    message: 'Name at least one lease, of a pair or of a group.',
  });

export const renewAnswerSchema = z.object({
  lost: z.array(z.string()),
  leaseSeconds: z.number().nullable(),
});

export const consentRequestSchema = z.object({
  version: z.number().int().positive(),
  blurNsfw: z.boolean(),
});
