import { db } from '@/db/client';
import { servingIn } from '@/db/policies/aliases';
import type { Policy } from '@/db/policies/policies';
import { read } from '@/db/transaction';

/** The policy served for a pipeline. */
export async function servingPolicy(pipeline: string): Promise<Policy> {
  return await read(servingIn(db(), pipeline));
}
