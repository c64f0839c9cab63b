'use client';

import { Check, ChevronLeft, ChevronRight, X } from 'lucide-react';
import { type FlagState, flagDescriptions } from '@/lib/flags';
import type { FlagView, ReviewedImage } from '../../api/review/schema';
import { percent } from '../../components/figures/format';
import { defectsOf, Picture } from '../../components/film/picture';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { sourceNames } from '../options';
import { useFlagDecision } from '../queries';

/** One image in large: what the judge saw, who flagged what, and the decision on each flag. */
export function ImageDialog({
  shown,
  mayDecide,
  onStep,
  onClose,
}: {
  shown: ReviewedImage | null;
  mayDecide: boolean;
  onStep: (by: 1 | -1) => void;
  onClose: () => void;
}) {
  return (
    <Dialog
      open={shown !== null}
      onOpenChange={(open) => open || onClose()}
      title={shown?.prompt ?? ''}
      description={shown ? `Seed ${shown.seed}` : undefined}
      wide
    >
      {shown ? (
        <div className="grid gap-5 sm:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
          <div className="rounded-md bg-film p-2">
            <Picture image={shown.image} prompt={shown.prompt} className="in-data-blur:blur-none" />
          </div>
          <div className="flex flex-col gap-4 text-sm">
            <div>
              <h3 className="font-medium">What the judge saw</h3>
              <p className="mt-1 text-muted-foreground">{verdictText(shown)}</p>
            </div>
            <div>
              <h3 className="font-medium">Flags</h3>
              {shown.flags.length === 0 ? (
                <p className="mt-1 text-muted-foreground">None.</p>
              ) : (
                <ul className="mt-1">
                  {shown.flags.map((flag) => (
                    <FlagRow key={flag.id} flag={flag} mayDecide={mayDecide} />
                  ))}
                </ul>
              )}
            </div>
          </div>
        </div>
      ) : null}
      <div className="mt-4 flex justify-between">
        <Button look="quiet" size="small" onClick={() => onStep(-1)}>
          <ChevronLeft aria-hidden /> Previous
        </Button>
        <Button look="quiet" size="small" onClick={() => onStep(1)}>
          Next <ChevronRight aria-hidden />
        </Button>
      </div>
    </Dialog>
  );
}

function FlagRow({ flag, mayDecide }: { flag: FlagView; mayDecide: boolean }) {
  const decide = useFlagDecision();
  const button = (state: FlagState, label: string, Icon: typeof Check) => (
    <Button
      size="small"
      look={flag.state === state ? 'outline' : 'quiet'}
      aria-pressed={flag.state === state}
      busy={decide.isPending}
      onClick={() => decide.mutate({ id: flag.id, state: flag.state === state ? 'open' : state })}
    >
      <Icon aria-hidden /> {label}
    </Button>
  );
  return (
    <li className="flex flex-wrap items-center justify-between gap-2 border-b py-2 last:border-b-0">
      <span>
        {flagDescriptions[flag.kind].label}
        <span className="block text-muted-foreground text-xs">
          by {sourceNames[flag.source]}, {flag.state}
        </span>
      </span>
      {mayDecide ? (
        <span className="flex gap-1">
          {button('confirmed', 'Confirm', Check)}
          {button('rejected', 'Reject', X)}
        </span>
      ) : null}
    </li>
  );
}

function verdictText({ image }: ReviewedImage): string {
  if (!image.verdict) return 'It has not read this image.';
  const defects = defectsOf(image);
  const { alignment } = image.verdict;
  const followed =
    alignment === undefined ? '' : ` ${percent(alignment, 0)} of the prompt's attributes are met.`;
  return `${defects.length === 0 ? 'No defect.' : `Defects: ${defects.join(', ')}.`}${followed}`;
}
