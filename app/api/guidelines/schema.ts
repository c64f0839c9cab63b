import { z } from 'zod';

export const publishRequestSchema = z.object({
  markdown: z
    .string()
    .trim()
    .min(1, 'Guidelines cannot be empty.')
    .max(20_000, 'Guidelines have at most 20,000 characters; nobody reads more.'),
});

export const publishAnswerSchema = z.object({ version: z.number().int() });
