import { z } from 'zod';

export const passwordSchema = z
  .string()
  .min(10, 'A password has at least 10 characters.')
  .max(128, 'A password has at most 128 characters.');

export const nameSchema = z
  .string()
  .trim()
  .min(1, 'Say what to call you.')
  .max(60, 'A name has at most 60 characters.');

export const emailSchema = z.email('This is no email address.').trim().toLowerCase().max(254);

/** What a one-time link is used with. Email and password come together or not at all. */
export const joinRequestSchema = z
  .object({
    token: z.string().min(1).max(200),
    name: nameSchema.optional(),
    email: emailSchema.optional(),
    password: passwordSchema.optional(),
    acceptedGuidelines: z.number().int().optional(),
  })
  .refine((request) => (request.email === undefined) === (request.password === undefined), {
    path: ['email'],
    message: 'Give both an email and a password, or neither.',
  });

export type JoinRequest = z.infer<typeof joinRequestSchema>;
