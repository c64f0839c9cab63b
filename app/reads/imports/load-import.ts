import { importCounts } from '@/db/exchange/import-items';
import { listedImport } from '@/db/exchange/import-list';
import type { ImportDetail } from '../../api/imports/schema';

/** One import and what its answers say. Throws 'not-found'. */
export async function loadImport(id: string): Promise<ImportDetail> {
  return { import: await listedImport(id), counts: await importCounts(id) };
}
