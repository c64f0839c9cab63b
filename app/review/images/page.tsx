import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound } from 'next/navigation';
import { listPolicies } from '@/db/policies';
import { can } from '@/lib/permissions';
import { loadImages } from '../../api/review/load-images';
import { imagesQuerySchema } from '../../api/review/schema';
import { pagePerson } from '../../auth/current-person';
import { Page } from '../../components/shell/page-frame';
import { firstValues, type SearchParams } from '../search-params';
import { ImagesView } from './images-view';

export const metadata: Metadata = { title: 'Images' };

export default async function ReviewImagesPage({
  searchParams,
}: {
  searchParams: Promise<SearchParams>;
}) {
  const person = await pagePerson('review.read');
  const query = imagesQuerySchema.safeParse(firstValues(await searchParams)).data;
  const all = await listPolicies();
  const policy = all.find(({ id }) => id === query?.policy);
  if (!query || !policy) notFound();
  return (
    <Page
      title={`Images of ${policy.name}`}
      lead={
        <Link href={`/policies/${policy.id}`} className="underline underline-offset-2">
          About this policy
        </Link>
      }
    >
      <ImagesView
        key={JSON.stringify(query)}
        query={query}
        first={await loadImages(query)}
        policies={all
          .filter(({ pipeline }) => pipeline === policy.pipeline)
          .map(({ id, name }) => ({ id, name }))}
        mayDecide={can(person.role, 'review.decide')}
        blurNsfw={person.blurNsfw}
      />
    </Page>
  );
}
