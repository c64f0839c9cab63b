'use client';

import { useEffect, useState } from 'react';

const format: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'short' };

/**
 * A point in time (ms) in the reader's own zone and manner. The server knows neither, so the text
 * comes once the page runs; its place is kept.
 */
export function Moment({ ms }: { ms: number | null }) {
  const [text, setText] = useState<string | null>(null);
  useEffect(() => {
    setText(ms === null ? null : new Intl.DateTimeFormat(undefined, format).format(ms));
  }, [ms]);
  if (ms === null) return <span>–</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} className="inline-block min-w-40">
      {text}
    </time>
  );
}
