'use client';

import Link from 'next/link';
import { importFormats } from '@/lib/exchange/import-formats';
import type { ImportSummary, ImportsView } from '../../api/imports/schema';
import { countText } from '../../components/figures/format';
import { Badge } from '../../components/ui/badge';
import { Card } from '../../components/ui/card';
import { Moment } from '../../components/ui/moment';
import { ShowMore } from '../../components/ui/show-more';
import { Cell, HeadCell, Table } from '../../components/ui/table';
import { useImports, useLiveImports } from './queries';

/** Answers given elsewhere, by the files that they came in. */
export function ImportsSection({ initial }: { initial: ImportsView }) {
  const more = useImports(initial);
  useLiveImports();
  const imports = more.data.pages.flatMap((page) => page.imports);
  const { total } = more.data.pages[0] ?? initial;
  if (imports.length === 0) return null;
  return (
    <section aria-labelledby="imported" className="mt-8">
      <h2 id="imported" className="mb-1 font-semibold text-base">
        Imported answers
      </h2>
      <p className="mb-3 text-muted-foreground text-sm">
        Given elsewhere, on images that nobody drew here. Diffusion-DPO, KTO and learned rewards
        train on them as on your own.
      </p>
      <Card className="py-2">
        <Table label="Imports by file">
          <thead>
            <tr>
              <HeadCell>File</HeadCell>
              <HeadCell className="text-right">Answers</HeadCell>
              <HeadCell className="text-right">People</HeadCell>
              <HeadCell className="text-right">Images</HeadCell>
              <HeadCell>Kept with</HeadCell>
              <HeadCell>Imported</HeadCell>
            </tr>
          </thead>
          <tbody>
            {imports.map((one) => (
              <Row key={one.id} one={one} />
            ))}
          </tbody>
        </Table>
      </Card>
      <ShowMore
        shown={imports.length}
        total={total}
        what="More imports"
        busy={more.isFetchingNextPage}
        onMore={more.hasNextPage ? () => more.fetchNextPage() : null}
      />
    </section>
  );
}

function Row({ one }: { one: ImportSummary }) {
  return (
    <tr>
      <Cell className="min-w-40">
        <span className="flex flex-wrap items-center gap-2">
          <Link
            href={`/rounds/imports/${one.id}`}
            className="break-all font-medium hover:underline"
          >
            {one.source}
          </Link>
          {one.finishedAt === null ? <Badge tone="active">Not all of it is in</Badge> : null}
        </span>
        {one.format ? (
          <span className="block text-muted-foreground text-xs">{importFormats[one.format]}</span>
        ) : null}
      </Cell>
      <Cell numeric>{countText(one.answers)}</Cell>
      <Cell numeric>{countText(one.people)}</Cell>
      <Cell numeric>{countText(one.images)}</Cell>
      <Cell className="whitespace-nowrap">
        <Link href={`/policies/${one.policy.id}`} className="underline underline-offset-2">
          {one.policy.name}
        </Link>
      </Cell>
      <Cell className="text-muted-foreground text-xs">
        <Moment ms={one.createdAt} />
      </Cell>
    </tr>
  );
}
