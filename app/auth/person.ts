import { z } from 'zod';
import { roleSchema } from '@/lib/roles';

/**
 * Somebody who is signed in, as pages and routes see them. `email` is null where only a link was
 * used.
 */
export const personSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  role: roleSchema,
  blurNsfw: z.boolean(),
  paused: z.boolean(),
});

export type Person = z.infer<typeof personSchema>;
