'use client';

import { useEffect } from 'react';

/** How long it stays after the last, ms. */
const shownMs = 4_000;

/** Says that something was pressed while nothing stood there that it could have judged. */
export function MissedKeys({ count, onOver }: { count: number; onOver: () => void }) {
  useEffect(() => {
    if (count === 0) return;
    const timer = setTimeout(onOver, shownMs);
    return () => clearTimeout(timer);
  }, [count, onOver]);
  return (
    <div role="status" className="pointer-events-none fixed inset-x-0 bottom-4 z-40 px-4">
      {count > 0 ? (
        <p
          data-missed={count}
          className="mx-auto w-fit rounded-md border border-destructive bg-card px-3 py-2 text-center text-sm shadow-lg"
        >
          {count === 1 ? 'One press' : `${count} presses`} came before the next images stood there:
          nothing was stored.
        </p>
      ) : null}
    </div>
  );
}
