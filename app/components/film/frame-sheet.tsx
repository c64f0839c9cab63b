'use client';

import { ChevronLeft, ChevronRight } from 'lucide-react';
import { useState } from 'react';
import type { Frame } from '../../api/images/schema';
import { scoreText } from '../figures/format';
import { Button } from '../ui/button';
import { Dialog } from '../ui/dialog';
import { Compare } from './compare';
import { DefectMarks, Picture } from './picture';

/**
 * A contact sheet of the same seeds before and after: each cell two images, and, when pressed, the
 * two in large to be held against each other. Where a reward was followed, what it says of both
 * stands below.
 */
export function FrameSheet({
  frames,
  names: [before, after],
}: {
  frames: Frame[];
  names: readonly [before: string, after: string];
}) {
  const [open, setOpen] = useState<number | null>(null);
  const shown = open === null ? undefined : frames[open];
  const [first, second] = shown?.images ?? [];
  const step = (by: number) =>
    setOpen((at) => (at === null ? at : (at + by + frames.length) % frames.length));

  return (
    <>
      <ul className="grid grid-cols-2 gap-x-2 gap-y-3 rounded-md bg-film p-3 sm:grid-cols-3 lg:grid-cols-4 xl:grid-cols-6">
        {frames.map(({ prompt, seed, images }, index) => (
          <li key={`${seed} ${prompt}`} className="min-w-0">
            <button
              type="button"
              onClick={() => setOpen(index)}
              aria-label={`Compare ${before} and ${after}: ${prompt}, seed ${seed}${rewardsOf(images, ', reward ', ' to ')}`}
              className="group block w-full text-left"
            >
              <span className="grid grid-cols-2 gap-px transition-shadow group-hover:shadow-[0_0_0_2px_var(--film-ink)]">
                {images.map((image, side) =>
                  image ? (
                    <span key={image.sampleId} className="relative">
                      <Picture image={image} prompt={prompt} />
                      <DefectMarks image={image} />
                    </span>
                  ) : (
                    <span key={side === 0 ? before : after} className="aspect-square bg-white/5" />
                  ),
                )}
              </span>
              <span className="edge-print mt-1 flex justify-between gap-2 text-film-ink/90">
                <span className="whitespace-nowrap">▸ {index + 1}</span>
                <span className="truncate">{rewardsOf(images, '', ' → ')}</span>
                <span className="max-sm:hidden">{index + 1}A</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
      <Dialog
        open={shown !== undefined}
        onOpenChange={(next) => next || setOpen(null)}
        title={shown?.prompt ?? ''}
        description={shown ? `Seed ${shown.seed}, ${before} and ${after}` : undefined}
        wide
      >
        {shown && first && second ? (
          <Compare
            key={shown.seed}
            prompt={shown.prompt}
            before={{ name: before, image: first }}
            after={{ name: after, image: second }}
          />
        ) : (
          <p className="text-muted-foreground text-sm">Only one of the two has drawn this seed.</p>
        )}
        <div className="mt-4 flex justify-between">
          <Button look="quiet" size="small" onClick={() => step(-1)}>
            <ChevronLeft aria-hidden /> Previous seed
          </Button>
          <Button look="quiet" size="small" onClick={() => step(1)}>
            Next seed <ChevronRight aria-hidden />
          </Button>
        </div>
      </Dialog>
    </>
  );
}

/** What the reward says of both images of a frame; nothing where it says nothing of one. */
function rewardsOf([before, after]: Frame['images'], prefix: string, between: string): string {
  if (before?.reward === undefined || after?.reward === undefined) return '';
  return `${prefix}${scoreText(before.reward)}${between}${scoreText(after.reward)}`;
}
