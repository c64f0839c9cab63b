import { z } from 'zod';
import { roleSchema } from '@/lib/roles';

export const idParamsSchema = z.object({ id: z.string().min(1).max(64) });

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
