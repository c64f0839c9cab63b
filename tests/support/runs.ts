import { db } from '@/db/client';
import { runIn } from '@/db/rounds/rows';
import type { Run } from '@/db/schema/rounds';

export async function getRun(id: string): Promise<Run> {
  return runIn(db(), id);
}
