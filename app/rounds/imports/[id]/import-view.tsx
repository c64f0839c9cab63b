'use client';

import Link from 'next/link';
import { answerDescriptions, answers } from '@/lib/answers';
import { importFormats } from '@/lib/exchange/import-formats';
import type { ImportDetail, ImportItem, ImportItemsView } from '../../../api/imports/schema';
import { countText, plural } from '../../../components/figures/format';
import { DefectMarks, Picture } from '../../../components/film/picture';
import { Page } from '../../../components/shell/page-frame';
import { Card, CardHeading } from '../../../components/ui/card';
import { cn } from '../../../components/ui/cn';
import { Moment } from '../../../components/ui/moment';
import { ShowMore } from '../../../components/ui/show-more';
import { Shares } from '../../shares';
import { useImport, useImportItems, useLiveImports } from '../queries';

/** Answers that came in one file: where from, what they say, and the images they are about. */
export function ImportView({
  initial,
  first,
  blurNsfw,
}: {
  initial: ImportDetail;
  first: ImportItemsView;
  blurNsfw: boolean;
}) {
  const { import: own, counts } = useImport(initial);
  const more = useImportItems(own.id, first);
  useLiveImports();
  const items = more.data.pages.flatMap((page) => page.items);
  const { byAnswer, taggings, heldBack } = counts;
  const ofPairs = answers.reduce((sum, answer) => sum + (byAnswer[answer] ?? 0), 0);
  return (
    <Page
      title={own.source}
      lead={
        <>
          Answers given elsewhere{own.format ? `, ${importFormats[own.format]}` : ''}, kept with{' '}
          <Link
            href={`/policies/${own.policy.id}`}
            className="text-foreground underline underline-offset-2"
          >
            {own.policy.name}
          </Link>
          , imported on <Moment ms={own.createdAt} />
        </>
      }
    >
      <div data-blur={blurNsfw || undefined} className="flex flex-col gap-6">
        {own.finishedAt === null ? (
          <p className="rounded-lg border bg-muted p-4 text-sm">
            {countText(own.answers)} of {plural(own.offered, 'answer')} are in. If nothing is being
            imported right now, it was stopped: import the same file again, and it goes on.
          </p>
        ) : null}
        <Card>
          <CardHeading title="What was imported">
            {`${plural(own.answers, 'answer')} of ${plural(own.people, 'person', 'people')} on ${plural(own.images, 'image')}. ${knownText(own)}Methods that learn from all answers train on these, too; the images are nobody’s work here.`}
          </CardHeading>
          {ofPairs > 0 ? (
            <div className="max-w-md">
              <Shares
                title="Answers"
                total={ofPairs}
                parts={answers.map((answer) => ({
                  name: answerDescriptions[answer].label,
                  count: byAnswer[answer] ?? 0,
                }))}
              />
            </div>
          ) : null}
          {taggings > 0 ? (
            <p className="mt-2 text-sm">{plural(taggings, 'tagging')} of groups.</p>
          ) : null}
          {heldBack > 0 ? (
            <p className="mt-2 text-muted-foreground text-sm">
              {plural(heldBack, 'answer')} by paused annotators are held back.
            </p>
          ) : null}
        </Card>
        <Card>
          <CardHeading title="Pairs and groups">
            What most preferred is framed; of a group, what nobody called bad.
          </CardHeading>
          <ul className="grid gap-3 sm:grid-cols-2 xl:grid-cols-3">
            {items.map((item) => (
              <Item key={item.id} item={item} />
            ))}
          </ul>
          <ShowMore
            shown={items.length}
            total={counts.items}
            what="More of them"
            busy={more.isFetchingNextPage}
            onMore={more.hasNextPage ? () => more.fetchNextPage() : null}
          />
        </Card>
      </div>
    </Page>
  );
}

function knownText({ offered, answers, finishedAt }: ImportDetail['import']): string {
  const known = offered - answers;
  return finishedAt === null || known <= 0
    ? ''
    : `${plural(known, 'more answer')} in it came in with another file. `;
}

function Item({ item }: { item: ImportItem }) {
  const { prompt, images, ties, bothBad, people } = item;
  const most = Math.max(...images.map(({ votes }) => votes));
  const isGood = (votes: number) =>
    item.kind === 'group'
      ? votes === 0
      : votes > 0 && votes === most && images.filter((one) => one.votes === most).length === 1;
  const said = [
    ties > 0 ? plural(ties, 'tie') : null,
    bothBad > 0 ? `${countText(bothBad)} both bad` : null,
    plural(people, item.kind === 'group' ? 'tagging' : 'answer'),
  ];
  return (
    <li className="min-w-0 rounded-md bg-film p-3 text-film-ink">
      <div
        className={cn(
          'grid gap-2',
          images.length > 2 ? 'grid-cols-3 sm:grid-cols-4' : 'grid-cols-2',
        )}
      >
        {images.map(({ image, votes }) => (
          <div key={image.sampleId} className="min-w-0">
            <div
              className={cn(
                'relative',
                isGood(votes) ? 'outline-2 outline-film-ink' : 'opacity-80',
              )}
            >
              <Picture image={image} prompt={`${isGood(votes) ? 'Better' : 'Image'}: ${prompt}`} />
              <DefectMarks image={image} />
            </div>
            <p className="edge-print mt-1 text-film-ink/90">
              {item.kind === 'group' ? `${votes} bad` : `${votes} for it`}
            </p>
          </div>
        ))}
      </div>
      <p className="mt-2 break-words text-sm">{prompt}</p>
      <p className="mt-0.5 text-film-ink/80 text-xs">{said.filter(Boolean).join(', ')}</p>
    </li>
  );
}
