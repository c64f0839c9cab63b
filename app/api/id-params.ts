import { z } from 'zod';

/** The `[id]` in a route's path. */
export const idParamsSchema = z.object({ id: z.string().min(1).max(64) });
