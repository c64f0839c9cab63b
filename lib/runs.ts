import { z } from 'zod';

/** Single: one round, then done. Online: the next round starts by itself when one is done. */
export const runModes = ['single', 'online'] as const;

export const runModeSchema = z.enum(runModes);

export type RunMode = z.infer<typeof runModeSchema>;

export const runStatuses = ['active', 'paused', 'done', 'cancelled', 'failed'] as const;

export const runStatusSchema = z.enum(runStatuses);

export type RunStatus = z.infer<typeof runStatusSchema>;
