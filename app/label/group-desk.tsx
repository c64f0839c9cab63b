'use client';

import { EyeOff, Undo2, X } from 'lucide-react';
import { useEffect, useEffectEvent, useRef, useState } from 'react';
import type { ServedGroup } from '../api/label/schema';
import { Button } from '../components/ui/button';
import { cn } from '../components/ui/cn';
import { Kbd } from '../components/ui/kbd';

/** A group of images of one prompt: the bad ones are crossed out, with a click or by number. */
export function GroupDesk({
  group,
  tagged,
  veiled,
  keysOn,
  onReveal,
  onToggle,
  onSubmit,
  onUndo,
}: {
  group: ServedGroup;
  tagged: string[];
  /** Whether the images are blurred for somebody who wants it so. */
  veiled: boolean;
  keysOn: boolean;
  onReveal: () => void;
  onToggle: (sampleId: string) => void;
  onSubmit: () => void;
  onUndo: (() => void) | null;
}) {
  const frames = useRef<HTMLFieldSetElement>(null);
  const [standing, setStanding] = useState(false);
  useEffect(() => {
    const images = [...(frames.current?.querySelectorAll('img') ?? [])];
    // All appear together. One that cannot be loaded must not keep the others back: it is a bad one.
    void Promise.allSettled(images.map((image) => image.decode())).then(() => setStanding(true));
  }, []);

  const press = useEffectEvent((event: KeyboardEvent) => {
    if (!keysOn || !standing || event.repeat || event.ctrlKey || event.metaKey || event.altKey)
      return;
    if (document.querySelector('[role=dialog]')) return;
    const image = group.images[Number(/^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1]) - 1];
    if (image) onToggle(image.sampleId);
    else if (event.code === 'ArrowRight') onSubmit();
    else if (event.code === 'KeyZ') onUndo?.();
  });
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => press(event);
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, []);

  return (
    <div data-group={group.groupId} className="flex flex-col gap-4">
      <fieldset ref={frames} disabled={!standing} className="rounded-md bg-film p-2 sm:p-3">
        <legend className="sr-only">Tag the bad images</legend>
        <div className="grid grid-cols-2 gap-2 sm:grid-cols-4 sm:gap-3">
          {group.images.map((image, index) => {
            const isTagged = tagged.includes(image.sampleId);
            return (
              <button
                key={image.sampleId}
                type="button"
                aria-pressed={isTagged}
                aria-label={`Image ${index + 1} is bad`}
                aria-keyshortcuts={keysOn && index < 9 ? String(index + 1) : undefined}
                onClick={() => onToggle(image.sampleId)}
                className="relative aspect-square overflow-hidden bg-white/5 text-left"
              >
                <img
                  src={image.src}
                  alt=""
                  width={image.width}
                  height={image.height}
                  draggable={false}
                  className={cn(
                    'size-full object-contain transition-opacity',
                    isTagged && 'opacity-35',
                    !standing && 'invisible',
                    veiled && 'blur-2xl',
                  )}
                />
                <span
                  aria-hidden
                  className="edge-print absolute top-0 left-0 bg-film/80 px-2 py-1 text-film-ink"
                >
                  {index + 1}
                </span>
                {isTagged ? (
                  <X
                    aria-hidden
                    className="absolute inset-0 size-full p-6 text-film-ink"
                    strokeWidth={1}
                  />
                ) : null}
              </button>
            );
          })}
        </div>
      </fieldset>
      <div className="flex flex-wrap items-center gap-2 px-2 sm:px-3">
        <Button
          size="large"
          className="flex-1 border-primary bg-primary/10 font-semibold hover:bg-primary/20"
          disabled={!standing}
          aria-keyshortcuts={keysOn ? 'ArrowRight' : undefined}
          onClick={onSubmit}
        >
          {tagged.length === 0 ? 'None is bad, next' : `${tagged.length} bad, next`}
          {keysOn ? <Kbd className="pointer-coarse:hidden max-sm:hidden">→</Kbd> : null}
        </Button>
        {veiled ? (
          <Button size="large" onClick={onReveal}>
            <EyeOff aria-hidden /> Show
          </Button>
        ) : null}
        <Button look="quiet" size="large" disabled={!onUndo} onClick={() => onUndo?.()}>
          <Undo2 aria-hidden /> Undo
          {keysOn ? <Kbd className="pointer-coarse:hidden max-sm:hidden">Z</Kbd> : null}
        </Button>
      </div>
    </div>
  );
}
