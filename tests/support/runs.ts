import { db } from '@/db/client';
import { runIn } from '@/db/rounds/rows';
import type { Run } from '@/db/schema/rounds';
import { read } from '@/db/transaction';

export async function getRun(id: string): Promise<Run> {
  return await read(runIn(db(), id));
}
