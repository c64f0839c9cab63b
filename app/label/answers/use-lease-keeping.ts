'use client';

import { type Dispatch, useEffect, useEffectEvent, useRef } from 'react';
import { renewAnswerSchema } from '../../api/label/schema';
import { send } from '../../http/send';
import type { Held, LabelAction } from './label-state';

/** Somebody who has not touched the page for so long has left: their pairs go to others. */
const idleMs = 10 * 60_000;

const heartbeatMsMin = 2_000;
const heartbeatMsMax = 30_000;

/**
 * Keeps the leases in hand alive while somebody is there (so that nobody is hurried, WCAG 2.2.1)
 * and gives them back when the page is left.
 */
export function useLeaseKeeping(options: {
  /** What is in hand and has no action under way. */
  held: Held[];
  /** How long the leases last at least, as last heard; null: not known. */
  leaseSeconds: number | null;
  dispatch: Dispatch<LabelAction>;
  onRenewed: (leaseSeconds: number | null) => void;
}): void {
  const { held, leaseSeconds, dispatch, onRenewed } = options;
  const lastTouchedAt = useRef(Date.now());

  useEffect(() => {
    const touched = () => {
      lastTouchedAt.current = Date.now();
    };
    for (const name of touches) window.addEventListener(name, touched, { passive: true });
    return () => {
      for (const name of touches) window.removeEventListener(name, touched);
    };
  }, []);

  const renew = useEffectEvent(async () => {
    if (held.length === 0 || Date.now() - lastTouchedAt.current > idleMs) return;
    const renewed = await send('POST', '/api/label/renew', renewAnswerSchema, leasesOf(held)).catch(
      // Offline: answers to lapsed leases are still accepted, so there is nothing to do now.
      () => null,
    );
    if (!renewed) return;
    onRenewed(renewed.leaseSeconds);
    if (renewed.lost.length > 0) dispatch({ type: 'lost', leaseIds: renewed.lost });
  });
  const beatMs = heartbeatMs(leaseSeconds);
  useEffect(() => {
    const timer = setInterval(() => void renew(), beatMs);
    return () => clearInterval(timer);
  }, [beatMs]);

  const leave = useEffectEvent(() => {
    if (held.length === 0) return;
    const body = new Blob([JSON.stringify(leasesOf(held))], { type: 'application/json' });
    navigator.sendBeacon('/api/label/release', body);
    // Should the browser bring this page back from its cache, it starts with an empty hand.
    dispatch({ type: 'let-go' });
  });
  useEffect(() => {
    const left = () => leave();
    window.addEventListener('pagehide', left);
    return () => {
      window.removeEventListener('pagehide', left);
      left();
    };
  }, []);
}

function leasesOf(held: Held[]) {
  const idsOf = (kind: Held['kind']) =>
    held.filter((one) => one.kind === kind).map(({ leaseId }) => leaseId);
  return { leaseIds: idsOf('pair'), groupLeaseIds: idsOf('group') };
}

const touches = ['pointerdown', 'pointermove', 'keydown', 'touchstart'] as const;

function heartbeatMs(leaseSeconds: number | null): number {
  if (leaseSeconds === null) return heartbeatMsMax;
  return Math.min(Math.max((leaseSeconds * 1000) / 3, heartbeatMsMin), heartbeatMsMax);
}
