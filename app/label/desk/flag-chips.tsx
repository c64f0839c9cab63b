'use client';

import { type FlagKind, flagDescriptions, flagKinds } from '@/lib/flags';
import type { ServedImage } from '../../api/label/schema';
import { cn } from '../../components/ui/cn';
import { ShortcutKey } from '../keys/shortcut-key';
import { ariaKeys, type Bindings } from '../keys/shortcuts';

/** The defects one can mark on one image; a marked one stays pressed. */
export function FlagChips({
  which,
  name,
  image,
  bindings,
  onToggle,
}: {
  /** Whose keys these are. */
  which: 'left' | 'right' | 'chosen';
  /** What the image is called: 'left image', 'image 4'. */
  name: string;
  image: ServedImage | undefined;
  bindings: Bindings;
  onToggle: (kind: FlagKind) => void;
}) {
  return (
    <fieldset className="flex min-w-0 flex-wrap gap-1 @md:gap-1.5">
      <legend className="sr-only">Defects of {name}</legend>
      {flagKinds.map((kind) => {
        const set = image?.flags.includes(kind) ?? false;
        const shortcut = `flag-${which}-${kind}` as const;
        return (
          <button
            key={kind}
            type="button"
            aria-pressed={set}
            aria-keyshortcuts={ariaKeys(bindings, shortcut)}
            title={flagDescriptions[kind].explanation}
            disabled={!image}
            onClick={() => onToggle(kind)}
            className={cn(
              'flex h-10 grow basis-16 items-center justify-center gap-0.5 rounded-md border px-0.5 text-xs transition-colors sm:h-9 sm:basis-auto @md:gap-1.5 @md:px-2',
              'disabled:opacity-50',
              set
                ? 'border-destructive bg-destructive/15 font-medium text-destructive'
                : 'bg-card text-muted-foreground enabled:hover:text-foreground',
            )}
          >
            {flagDescriptions[kind].label}
            <ShortcutKey bindings={bindings} name={shortcut} />
          </button>
        );
      })}
    </fieldset>
  );
}
