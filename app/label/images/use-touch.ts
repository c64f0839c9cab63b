'use client';

import { type MouseEvent, type PointerEvent, useRef, useState } from 'react';
import type { Side } from './sides';

/** Shorter is a tap that slipped, px. */
const swipePxMin = 48;

/** A swipe is so much more across than down; the rest is scrolling. */
const acrossMin = 1.5;

const tapPxMax = 10;

/** Within this time a browser sends the click that belongs to a tap, ms. */
const clickMsMax = 700;

/**
 * A finger swiping to the left or right, or tapping a button. Browsers swallow a tap that follows a
 * swipe at once; so taps are pressed here, and the browser's own click for one is left out.
 * Returns what the element listens to, and towards which side a finger that is still down has gone
 * far enough to count.
 */
export function useTouch(onSwipe: (towards: Side) => void) {
  const start = useRef<{ id: number; x: number; y: number } | null>(null);
  const tappedAtMs = useRef(Number.NEGATIVE_INFINITY);
  const [leaning, lean] = useState<Side | null>(null);

  function movedBy(event: PointerEvent) {
    if (start.current?.id !== event.pointerId) return null;
    return { across: event.clientX - start.current.x, down: event.clientY - start.current.y };
  }

  function forget() {
    start.current = null;
    lean(null);
  }

  return {
    leaning,
    listeners: {
      onPointerDown: (event: PointerEvent) => {
        // A second finger means to zoom.
        if (event.pointerType !== 'touch' || !event.isPrimary) forget();
        else start.current = { id: event.pointerId, x: event.clientX, y: event.clientY };
      },
      onPointerMove: (event: PointerEvent) => lean(sideOf(movedBy(event))),
      onPointerUp: (event: PointerEvent) => {
        const moved = movedBy(event);
        const side = sideOf(moved);
        forget();
        if (side) onSwipe(side);
        else if (moved && Math.hypot(moved.across, moved.down) <= tapPxMax) {
          tappedAtMs.current = Date.now();
          if (event.target instanceof Element) event.target.closest('button')?.click();
        }
      },
      onPointerCancel: forget,
      onClickCapture: (event: MouseEvent) => {
        const isOfTap = event.isTrusted && event.detail > 0;
        if (isOfTap && Date.now() - tappedAtMs.current < clickMsMax) event.stopPropagation();
      },
    },
  };
}

function sideOf(moved: { across: number; down: number } | null): Side | null {
  if (!moved || Math.abs(moved.across) < swipePxMin) return null;
  if (Math.abs(moved.across) < acrossMin * Math.abs(moved.down)) return null;
  return moved.across < 0 ? 'left' : 'right';
}
