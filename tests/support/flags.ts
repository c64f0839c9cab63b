import { db } from '@/db/client';
import { newId } from '@/db/ids';
import { flags } from '@/db/schema/labels';
import type { FlagKind } from '@/lib/flags';

/**
 * An annotator's mark on an image, whether or not it was ever shown to them; again does nothing.
 */
export async function setFlag(flag: {
  sampleId: string;
  kind: FlagKind;
  annotatorId: string;
}): Promise<void> {
  db()
    .insert(flags)
    .values({ ...flag, id: newId(), source: 'annotator', createdAt: Date.now() })
    .onConflictDoNothing()
    .run();
}
