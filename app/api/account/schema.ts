import { z } from 'zod';
import { emailSchema, nameSchema, passwordSchema } from '../../auth/join.schema';

export const changeAccountSchema = z.union([
  z.object({ name: nameSchema }),
  z.object({ blurNsfw: z.boolean() }),
]);

export type ChangeAccount = z.infer<typeof changeAccountSchema>;

/** `currentPassword` is needed where there is one already. */
export const loginRequestSchema = z.object({
  email: emailSchema,
  password: passwordSchema,
  currentPassword: z.string().max(128).optional(),
});

export type LoginRequest = z.infer<typeof loginRequestSchema>;
