'use client';

import { useEffect, useEffectEvent, useRef, useState } from 'react';

/**
 * Says to those who do not see the page what became of the last answer and, when something else is
 * on screen, what that is and how far the round has come. One text, so that neither cuts off the
 * other.
 */
export function Announcer({
  result,
  shown,
  scene,
}: {
  /** What the person's last action did. */
  result: string;
  /** The lease of what is on screen; null: nothing. */
  shown: string | null;
  /** What is on screen, in words. */
  scene: string;
}) {
  const [said, say] = useState('');
  const before = useRef<string | null>(null);
  const speak = useEffectEvent(() => {
    const isNew = shown !== null && shown !== before.current;
    before.current = shown;
    say(isNew ? `${result} ${scene}`.trim() : result);
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: it speaks when something was done, or something else is on screen
  useEffect(() => speak(), [result, shown]);
  return (
    <p role="status" data-said className="sr-only">
      {said}
    </p>
  );
}
