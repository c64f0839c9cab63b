import { importedGroups, importedPairs } from '@/db/exchange/import-items';
import { listedImport } from '@/db/exchange/import-list';
import { declaredBy } from '@/db/policies/declared';
import type { ImportItemsQuery, ImportItemsView } from '../../api/imports/schema';
import { showImage } from '../images/show';

const itemsShown = 24;

/** Pairs of an import and then its groups, a page of them. Throws 'not-found'. */
export async function loadImportItems(
  importId: string,
  { after = 'pair ' }: ImportItemsQuery = {},
): Promise<ImportItemsView> {
  const { judge } = await declaredBy((await listedImport(importId)).pipeline);
  const space = after.indexOf(' ');
  const [kind, seen] = [after.slice(0, space), after.slice(space + 1)];
  // One more tells whether there are any.
  const wanted = itemsShown + 1;
  const pairs =
    kind === 'pair' ? await importedPairs({ importId, after: seen, limit: wanted }) : [];
  const groups = await importedGroups({
    importId,
    after: kind === 'group' ? seen : '',
    limit: wanted - pairs.length,
  });
  const found = [...pairs, ...groups];
  const shown = found.slice(0, itemsShown);
  const last = shown.at(-1);
  return {
    items: shown.map(({ images, ...item }) => ({
      ...item,
      images: images.map(({ sample, votes }) => ({ image: showImage(sample, judge), votes })),
    })),
    next: last && found.length > itemsShown ? `${last.kind} ${last.id}` : null,
  };
}
