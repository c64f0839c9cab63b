import { countItems, listedImport } from '@/db/exchange/import-list';
import { importedAnswerCounts } from '@/db/figures/answer-counts';
import type { ImportDetail } from '../../api/imports/schema';

/** One import and what its answers say. Throws 'not-found'. */
export async function loadImport(id: string): Promise<ImportDetail> {
  const found = await listedImport(id);
  const { byAnswer, heldBack } = await importedAnswerCounts(id);
  return { import: found, answers: { byAnswer, heldBack }, total: await countItems(id) };
}
