'use client';

import { Flag, Maximize2, X } from 'lucide-react';
import { flagDescriptions } from '@/lib/flags';
import type { ServedImage } from '../../api/label/schema';
import { keyLabel } from '../../components/keyboard/pressed-key';
import { cn } from '../../components/ui/cn';
import { Kbd } from '../../components/ui/kbd';
import { ariaKeys, type Bindings, tagShortcutOf } from '../keys/shortcuts';

const cornerClass =
  'absolute bottom-1 flex size-7 items-center justify-center rounded-sm bg-film/80 text-film-ink opacity-80 group-hover:opacity-100 focus-visible:opacity-100 @min-[10rem]:bottom-1.5 @min-[10rem]:size-9';

/**
 * What can be done to one image of a group: tag it by pressing it, choose it for its flags, look
 * closer.
 */
export function GroupFrame({
  image,
  number,
  tagged,
  chosen,
  bindings,
  onToggle,
  onChoose,
  onZoom,
}: {
  image: ServedImage;
  /** From 1, as printed on it. */
  number: number;
  tagged: boolean;
  chosen: boolean;
  bindings: Bindings;
  onToggle: () => void;
  onChoose: () => void;
  onZoom: () => void;
}) {
  const shortcut = tagShortcutOf(number);
  const key = shortcut && bindings.on ? bindings.keys[shortcut][0] : undefined;
  return (
    <div className="group absolute inset-0">
      {tagged ? (
        <X
          aria-hidden
          className="absolute inset-0 size-full p-[18%] text-film-ink"
          strokeWidth={1}
        />
      ) : null}
      <button
        type="button"
        aria-pressed={tagged}
        aria-label={`Image ${number} is bad`}
        aria-keyshortcuts={shortcut ? ariaKeys(bindings, shortcut) : undefined}
        onClick={onToggle}
        onFocus={(event) => event.currentTarget.matches(':focus-visible') && onChoose()}
        className={cn(
          'absolute inset-0 -outline-offset-2 transition-shadow duration-100 hover:shadow-[inset_0_0_0_3px_var(--film-ink)]',
          chosen && 'shadow-[inset_0_0_0_2px_var(--film-ink)]',
        )}
      />
      <span
        aria-hidden
        className="edge-print pointer-events-none absolute top-0 left-0 flex h-6 items-center gap-1.5 bg-film/80 px-1.5 text-film-ink"
      >
        {number}
        {key && keyLabel(key) !== String(number) ? (
          <Kbd className="h-4 min-w-4 pointer-coarse:hidden max-sm:hidden">{keyLabel(key)}</Kbd>
        ) : null}
      </span>
      {image.flags.length > 0 ? (
        <span className="pointer-events-none absolute top-0 right-0 max-w-[70%] truncate bg-film/80 px-1.5 py-1 text-film-ink text-xs">
          {image.flags.map((kind) => flagDescriptions[kind].label).join(', ')}
        </span>
      ) : null}
      <button
        type="button"
        aria-current={chosen ? 'true' : undefined}
        aria-label={`Choose image ${number} to flag its defects`}
        onClick={onChoose}
        className={cn(cornerClass, 'left-1 @min-[10rem]:left-1.5')}
      >
        <Flag aria-hidden className={cn('size-4', image.flags.length > 0 && 'fill-current')} />
      </button>
      <button
        type="button"
        aria-label={`Look closer at image ${number}`}
        onClick={onZoom}
        className={cn(cornerClass, 'right-1 @min-[10rem]:right-1.5')}
      >
        <Maximize2 aria-hidden className="size-4" />
      </button>
    </div>
  );
}
