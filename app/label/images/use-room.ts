'use client';

import { type RefObject, useLayoutEffect, useState } from 'react';

/**
 * The room that is left in `desk` beside or below `controls`, px: they stand in a row on low
 * screens, else in a column. Null until it is measured.
 */
export function useRoom(
  desk: RefObject<HTMLElement | null>,
  controls: RefObject<HTMLElement | null>,
): { width: number; height: number } | null {
  const [room, setRoom] = useState<{ width: number; height: number } | null>(null);
  useLayoutEffect(() => {
    const [outer, taken] = [desk.current, controls.current];
    if (!outer || !taken) return;
    const measure = () => {
      const { flexDirection, columnGap, rowGap } = getComputedStyle(outer);
      const besides = flexDirection === 'row';
      const width = outer.clientWidth - (besides ? taken.offsetWidth + px(columnGap) : 0);
      const height = outer.clientHeight - (besides ? 0 : taken.offsetHeight + px(rowGap));
      setRoom((known) =>
        known?.width === width && known.height === height ? known : { width, height },
      );
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(outer);
    observer.observe(taken);
    return () => observer.disconnect();
  }, [desk, controls]);
  return room;
}

function px(length: string): number {
  return Number.parseFloat(length) || 0;
}
