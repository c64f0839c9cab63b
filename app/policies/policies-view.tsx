'use client';

import { GitFork, Undo2 } from 'lucide-react';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import type { Ratings } from '../api/policies/comparisons/schema';
import type { PolicyGrid, PoliciesView as View } from '../api/policies/schema';
import type { PolicyRef } from '../api/rounds/schema';
import { DrawingSelect, drawnWith } from '../components/evaluation/drawing-select';
import { Button } from '../components/ui/button';
import { Card, CardHeading } from '../components/ui/card';
import { Moment } from '../components/ui/moment';
import { Notice } from '../components/ui/notice';
import { ShowMore } from '../components/ui/show-more';
import { withParams } from '../review/search-params';
import { RatingsCard } from './comparisons/ratings-card';
import { GridCard } from './grid-card';
import { PolicyTable } from './policy-table';
import { useLivePolicies, usePolicies } from './queries';
import { ServeDialog } from './serve-dialog';

/** What is served, the tree of versions, and how each draws the same prompts. */
export function PoliciesView({
  initial,
  firstGridPage,
  ratings,
  mayAsk,
  mayServe,
  mayDownload,
  blurNsfw,
}: {
  initial: View;
  firstGridPage: PolicyGrid | null;
  ratings: Ratings | null;
  mayAsk: boolean;
  mayServe: boolean;
  mayDownload: boolean;
  blurNsfw: boolean;
}) {
  const { policies, defects, total, serving, pipeline, drawings, drawing, more } =
    usePolicies(initial);
  const router = useRouter();
  const drawn = drawnWith(drawings, drawing);
  useLivePolicies();
  const [chosen, choose] = useState<PolicyRef | null>(null);
  const parent = serving?.parent;

  if (policies.length === 0) {
    return (
      <Notice icon={GitFork} title="No policy yet">
        The built-in policy appears when Darkroom is started with <code>npm start</code>.
      </Notice>
    );
  }

  return (
    <div data-blur={blurNsfw || undefined} className="flex flex-col gap-6">
      {serving ? (
        <Card className="flex flex-wrap items-center justify-between gap-4">
          <div>
            <p className="edge-print text-muted-foreground">Served</p>
            <p className="mt-1 font-semibold text-lg">{serving.policy.name}</p>
            <p className="text-muted-foreground text-sm">
              {servedWhy(serving)}, since <Moment ms={serving.setAt} />
            </p>
          </div>
          {mayServe && parent ? (
            <Button onClick={() => choose(parent)}>
              <Undo2 aria-hidden /> Roll back to {parent.name}
            </Button>
          ) : null}
        </Card>
      ) : null}
      <Card>
        <CardHeading title="Versions">
          Each comes from the one above it.{' '}
          {defects.length > 0
            ? `Rates are the judge's, on the fixed evaluation prompts and seeds${drawn && `, ${drawn}`}.`
            : 'Nothing is judged: no program says what is wrong with the images of this pipeline.'}
        </CardHeading>
        <div className="mb-4 empty:hidden">
          <DrawingSelect
            drawings={drawings}
            drawing={drawing}
            onChange={(next) =>
              router.push(
                withParams('/policies', { pipeline: pipeline ?? undefined, drawing: next }),
                { scroll: false },
              )
            }
            className="w-auto max-w-full"
          />
        </div>
        <div className="mb-4 empty:hidden">
          <ShowMore
            shown={policies.length}
            total={total}
            what="Earlier versions"
            busy={more.isFetchingNextPage}
            onMore={more.hasNextPage ? () => more.fetchNextPage() : null}
          />
        </div>
        <PolicyTable
          policies={policies}
          defects={defects}
          mayServe={mayServe}
          mayDownload={mayDownload}
          onServe={choose}
        />
      </Card>
      {pipeline && ratings && (ratings.candidates.length > 1 || ratings.answers > 0) ? (
        <RatingsCard
          of={{ pipeline, drawing: drawing ?? undefined }}
          drawn={drawn}
          initial={ratings}
          mayAsk={mayAsk}
        />
      ) : null}
      {pipeline && firstGridPage && firstGridPage.frames.length > 0 ? (
        <GridCard
          of={{ pipeline, drawing: drawing ?? undefined }}
          drawn={drawn}
          first={firstGridPage}
        />
      ) : null}
      <ServeDialog policy={chosen} serving={serving?.policy ?? null} onClose={() => choose(null)} />
    </div>
  );
}

function servedWhy({ setBy, parent }: NonNullable<View['serving']>): string {
  if (setBy) return `Chosen by ${setBy}`;
  return parent ? 'By the rule of its run' : 'As what all others come from';
}
