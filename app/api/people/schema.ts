import { z } from 'zod';
import { roleSchema } from '@/lib/roles';

export const idParamsSchema = z.object({ id: z.string().min(1).max(64) });

/** Times in ms. */
export const listedPersonSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Null: signs in by link. */
  email: z.string().nullable(),
  role: roleSchema,
  paused: z.boolean(),
  /** Picks that stand. */
  preferences: z.number().int(),
  lastActiveAt: z.number().nullable(),
});

export type ListedPerson = z.infer<typeof listedPersonSchema>;

export const peopleQuerySchema = z.object({
  /** Part of a name or an address. */
  search: z.string().max(200).optional(),
  after: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(100).optional(),
});

export type PeopleQuery = z.infer<typeof peopleQuerySchema>;

export const peopleViewSchema = z.object({
  /** In the order they came, a page of them. */
  people: z.array(listedPersonSchema),
  /** How many are found. */
  total: z.number().int(),
  /** Names that came with imports, found alike: they cannot sign in and are not listed. */
  imported: z.number().int(),
  /** Pass as `after` to go on; null at the end. */
  next: z.string().nullable(),
});

export type PeopleView = z.infer<typeof peopleViewSchema>;

export const inviteRequestSchema = z.object({
  role: roleSchema,
  /** Whom the link is for, so that the list of open links can be read. */
  note: z.string().trim().max(80),
});

/** A one-time link, shown once: only its hash is stored. `path` starts with a slash. */
export const linkAnswerSchema = z.object({ path: z.string() });

export const changePersonSchema = z.union([
  z.object({ role: roleSchema }),
  z.object({ paused: z.boolean() }),
]);

export type ChangePerson = z.infer<typeof changePersonSchema>;
