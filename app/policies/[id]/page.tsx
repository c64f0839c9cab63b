import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { AppError } from '@/lib/errors';
import { can } from '@/lib/permissions';
import type { PolicyDetail } from '../../api/policies/schema';
import { pagePerson } from '../../auth/current-person';
import { loadPolicy } from '../../reads/policies/load-policy';
import { PolicyView } from './policy-view';

export const metadata: Metadata = { title: 'Policy' };

export default async function PolicyPage({ params }: { params: Promise<{ id: string }> }) {
  const person = await pagePerson('policies.read');
  const { id } = await params;
  const detail = await find(id);
  return (
    <PolicyView
      initial={detail}
      mayServe={can(person.role, 'policies.serve')}
      mayImport={can(person.role, 'policies.import')}
      mayDownload={can(person.role, 'policies.download')}
      blurNsfw={person.blurNsfw}
    />
  );
}

async function find(id: string): Promise<PolicyDetail> {
  try {
    return await loadPolicy(id);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'not-found') notFound();
    throw thrown;
  }
}
