import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { AppError } from '@/lib/errors';
import type { ImportDetail } from '../../../api/imports/schema';
import { pagePerson } from '../../../auth/current-person';
import { loadImport } from '../../../reads/imports/load-import';
import { loadImportItems } from '../../../reads/imports/load-import-items';
import { ImportView } from './import-view';

export const metadata: Metadata = { title: 'Imported answers' };

export default async function ImportPage({ params }: { params: Promise<{ id: string }> }) {
  const person = await pagePerson('rounds.read');
  const { id } = await params;
  return (
    <ImportView
      initial={await find(id)}
      first={await loadImportItems(id)}
      blurNsfw={person.blurNsfw}
    />
  );
}

async function find(id: string): Promise<ImportDetail> {
  try {
    return await loadImport(id);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'not-found') notFound();
    throw thrown;
  }
}
