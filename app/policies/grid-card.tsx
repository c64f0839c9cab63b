'use client';

import { useState } from 'react';
import type { Frame } from '../api/images/schema';
import type { PolicyGrid } from '../api/policies/schema';
import { Compare } from '../components/film/compare';
import { DefectMarks, Picture } from '../components/film/picture';
import { Button } from '../components/ui/button';
import { Card, CardHeading } from '../components/ui/card';
import { cn } from '../components/ui/cn';
import { Dialog } from '../components/ui/dialog';
import { ScrollBox } from '../components/ui/scroll-box';
import { usePolicyGrid } from './queries';

type Column = PolicyGrid['policies'][number];

/** Prompts down, versions across, the same seed in each row; a press compares with the parent. */
export function GridCard({
  of,
  drawn,
  first,
}: {
  of: { pipeline: string; drawing: string | undefined };
  /** How the images were drawn, in words; empty where that is not known. */
  drawn: string;
  first: PolicyGrid;
}) {
  const { data, hasNextPage, fetchNextPage, isFetchingNextPage } = usePolicyGrid(of, first);
  const [open, setOpen] = useState<{ frame: Frame; column: number } | null>(null);
  const { policies = [], lookedFor = [] } = data.pages[0] ?? {};
  const frames = data.pages.flatMap((page) => page.frames);

  return (
    <Card>
      <CardHeading title="The same prompts and seeds across versions">
        {drawn ? `All ${drawn}. ` : null}
        {lookedFor.length > 0 ? `Marks are what the judge saw: ${alternatives(lookedFor)}. ` : null}
        Press an image to hold it against its parent's.
      </CardHeading>
      <ScrollBox
        label="Grid"
        className="rounded-md bg-film p-3 [--cover:var(--film)] [--shade:var(--film-ink)]"
      >
        <table className="border-separate border-spacing-x-1 border-spacing-y-1.5">
          <thead>
            <tr>
              <th scope="col" className="sticky left-0 z-1 bg-film">
                <span className="sr-only">Prompt</span>
              </th>
              {policies.map(({ id, name }) => (
                <th
                  key={id}
                  scope="col"
                  className="edge-print truncate px-1 pb-1 text-left font-normal text-film-ink"
                >
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {frames.map((frame) => (
              <tr key={`${frame.seed} ${frame.prompt}`}>
                <th
                  scope="row"
                  className="sticky left-0 z-1 w-28 min-w-28 bg-film pr-3 text-left align-top font-normal text-white/80 text-xs sm:w-40 sm:min-w-40"
                >
                  {frame.prompt}
                  <span className="edge-print mt-1 block text-film-ink/80">seed {frame.seed}</span>
                </th>
                {policies.map((policy, column) => (
                  <td key={policy.id} className="p-0">
                    <GridImage
                      className={policies.length > 5 ? 'w-24 sm:w-28' : 'w-24 sm:w-40'}
                      frame={frame}
                      column={column}
                      policy={policy}
                      onOpen={() => setOpen({ frame, column })}
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollBox>
      {hasNextPage ? (
        <div className="mt-4 flex justify-center">
          <Button busy={isFetchingNextPage} onClick={() => fetchNextPage()}>
            More prompts
          </Button>
        </div>
      ) : null}
      <CompareDialog open={open} policies={policies} onClose={() => setOpen(null)} />
    </Card>
  );
}

/** "one, two, or three". */
function alternatives(all: readonly string[]): string {
  return all.length < 2 ? all.join() : `${all.slice(0, -1).join(', ')}, or ${all.at(-1)}`;
}

function GridImage({
  className,
  frame,
  column,
  policy,
  onOpen,
}: {
  className: string;
  frame: Frame;
  column: number;
  policy: Column;
  onOpen: () => void;
}) {
  const image = frame.images[column];
  if (!image) return <div className={cn('aspect-square bg-white/5', className)} />;
  return (
    <button
      type="button"
      aria-label={`${policy.name}: ${frame.prompt}, seed ${frame.seed}`}
      onClick={onOpen}
      className={cn('relative block hover:shadow-[0_0_0_2px_var(--film-ink)]', className)}
    >
      <Picture image={image} prompt={frame.prompt} />
      <DefectMarks image={image} />
    </button>
  );
}

function CompareDialog({
  open,
  policies,
  onClose,
}: {
  open: { frame: Frame; column: number } | null;
  policies: Column[];
  onClose: () => void;
}) {
  const policy = open ? policies[open.column] : undefined;
  // A parent that is not among the columns gives way to the base, the first column.
  const parentColumn = Math.max(
    0,
    policies.findIndex(({ id }) => id === policy?.parentId),
  );
  const before = policies[parentColumn];
  const beforeImage = open?.frame.images[parentColumn];
  const image = open ? open.frame.images[open.column] : undefined;
  return (
    <Dialog
      open={open !== null}
      onOpenChange={(next) => next || onClose()}
      title={open?.frame.prompt ?? ''}
      description={open ? `${policy?.name}, seed ${open.frame.seed}` : undefined}
      wide
    >
      {open && policy && image && before && beforeImage && parentColumn !== open.column ? (
        <Compare
          prompt={open.frame.prompt}
          before={{ name: before.name, image: beforeImage }}
          after={{ name: policy.name, image }}
        />
      ) : null}
      {open && image && (parentColumn === open.column || !beforeImage) ? (
        <div className="mx-auto max-w-[min(30rem,60dvh)] rounded-md bg-film p-2">
          <Picture image={image} prompt={open.frame.prompt} />
        </div>
      ) : null}
    </Dialog>
  );
}
