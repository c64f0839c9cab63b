'use client';

import { countText } from '../figures/format';
import { Button } from './button';

/** How much of a list is shown, and the way to more of it. */
export function ShowMore({
  shown,
  total,
  what,
  busy,
  onMore,
}: {
  shown: number;
  total: number;
  /** What the button says. */
  what: string;
  busy: boolean;
  /** Null where all of it is shown. */
  onMore: (() => void) | null;
}) {
  if (onMore === null && shown >= total) return null;
  return (
    <div className="mt-4 flex flex-wrap items-center justify-center gap-x-4 gap-y-2">
      <p role="status" className="text-muted-foreground text-sm tabular-nums">
        {countText(shown)} of {countText(total)} shown
      </p>
      {onMore ? (
        <Button busy={busy} onClick={onMore}>
          {what}
        </Button>
      ) : null}
    </div>
  );
}
