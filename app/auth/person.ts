import { z } from 'zod';
import { roleSchema } from '@/lib/roles';

/** Somebody who is signed in, as pages and routes see them. `email` is null where only a link was used. */
export const personSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  role: roleSchema,
  blurNsfw: z.boolean(),
  paused: z.boolean(),
});

export type Person = z.infer<typeof personSchema>;

/** RFC 2606 keeps `.invalid` free: an address under it can never belong to anybody. */
const placeholderDomain = '@darkroom.invalid';

/** The address of an account whose owner gave none; the table wants one, and wants it unique. */
export function placeholderEmail(): string {
  return `${crypto.randomUUID()}${placeholderDomain}`;
}

/** The address a person gave, or null. */
export function realEmail(email: string): string | null {
  return email.endsWith(placeholderDomain) ? null : email;
}
