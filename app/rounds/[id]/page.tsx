import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import { AppError } from '@/lib/errors';
import { can } from '@/lib/permissions';
import type { RoundDetail } from '../../api/rounds/schema';
import { pagePerson } from '../../auth/current-person';
import { loadRound } from '../../reads/rounds/load-round';
import { RoundView } from './round-view';

export const metadata: Metadata = { title: 'Round' };

export default async function RoundPage({ params }: { params: Promise<{ id: string }> }) {
  const person = await pagePerson('rounds.read');
  const { id } = await params;
  return (
    <RoundView
      initial={await find(id)}
      mayManage={can(person.role, 'rounds.manage')}
      blurNsfw={person.blurNsfw}
    />
  );
}

async function find(id: string): Promise<RoundDetail> {
  try {
    return await loadRound(id);
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'not-found') notFound();
    throw thrown;
  }
}
