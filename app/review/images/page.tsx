import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound } from 'next/navigation';
import { isAmong, isOfPipeline, listedPolicies, policiesPage } from '@/db/policies/list';
import { can } from '@/lib/permissions';
import { imagesQuerySchema } from '../../api/review/schema';
import { pagePerson } from '../../auth/current-person';
import { Page } from '../../components/shell/page-frame';
import { loadImages } from '../../reads/review/load-images';
import { firstValues, type SearchParams } from '../search-params';
import { ImagesView } from './images-view';

export const metadata: Metadata = { title: 'Images' };

/** So many of the newest versions stand to choose from; the tables of rates lead to all of them. */
const policiesOffered = 100;

export default async function ReviewImagesPage({
  searchParams,
}: {
  searchParams: Promise<SearchParams>;
}) {
  const person = await pagePerson('review.read');
  const query = imagesQuerySchema.safeParse(firstValues(await searchParams)).data;
  const [policy] = query ? await listedPolicies(isAmong([query.policy])) : [];
  if (!query || !policy) notFound();
  const { policies: newest } = await policiesPage({
    which: isOfPipeline(policy.pipeline),
    limit: policiesOffered,
  });
  const isOffered = newest.some(({ id }) => id === policy.id);
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
        policies={(isOffered ? newest : [policy, ...newest]).map(({ id, name }) => ({ id, name }))}
        mayDecide={can(person.role, 'review.decide')}
        blurNsfw={person.blurNsfw}
      />
    </Page>
  );
}
