import { db } from '@/db/client';
import { servingIn } from '@/db/policies/aliases';
import type { Policy } from '@/db/policies/policies';

/** The policy served for a pipeline. */
export async function servingPolicy(pipeline: string): Promise<Policy> {
  return servingIn(db(), pipeline);
}
