import { z } from 'zod';

export const signInRequestSchema = z.object({
  email: z.string().trim().toLowerCase().max(254),
  password: z.string().max(128),
});
