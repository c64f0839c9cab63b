import { importsPage } from '@/db/exchange/import-list';
import type { ImportsQuery, ImportsView } from '../../api/imports/schema';

const importsShown = 10;

/** Imported answers by the files that they came in, newest first, a page of them. */
export async function loadImports({ after }: ImportsQuery = {}): Promise<ImportsView> {
  return importsPage({ after, limit: importsShown });
}
