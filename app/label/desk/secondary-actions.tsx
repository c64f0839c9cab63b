'use client';

import { BookOpen, Keyboard, SkipForward, Undo2 } from 'lucide-react';
import { Button } from '../../components/ui/button';
import { ShortcutKey } from '../keys/shortcut-key';
import { ariaKeys, type Bindings } from '../keys/shortcuts';

/** What helps with labeling: the guidelines, and the keys. */
export function HelpActions({
  onGuidelines,
  onShortcuts,
}: {
  onGuidelines: (() => void) | null;
  onShortcuts: () => void;
}) {
  return (
    <div className="flex shrink-0">
      {onGuidelines ? (
        <Button
          look="quiet"
          size="small"
          className="max-sm:px-2 max-sm:text-xs beside:px-2 beside:text-xs"
          onClick={onGuidelines}
        >
          <BookOpen aria-hidden className="max-sm:hidden beside:hidden" /> Guidelines
        </Button>
      ) : null}
      <Button
        look="quiet"
        size="small"
        className="max-sm:px-2 max-sm:text-xs beside:px-2 beside:text-xs"
        onClick={onShortcuts}
      >
        <Keyboard aria-hidden className="max-sm:hidden beside:hidden" /> Keys
      </Button>
    </div>
  );
}

/** What can be done besides answering. A missing callback means: not now. */
export function SideActions({
  bindings,
  onSkip,
  onUndo,
}: {
  bindings: Bindings;
  onSkip: (() => void) | null;
  onUndo: (() => void) | null;
}) {
  return (
    <div className="flex shrink-0 gap-1">
      <Button
        look="quiet"
        disabled={!onSkip}
        aria-keyshortcuts={ariaKeys(bindings, 'skip')}
        onClick={() => onSkip?.()}
      >
        <SkipForward aria-hidden /> Skip <ShortcutKey bindings={bindings} name="skip" />
      </Button>
      <Button
        look="quiet"
        disabled={!onUndo}
        aria-keyshortcuts={ariaKeys(bindings, 'undo')}
        onClick={() => onUndo?.()}
      >
        <Undo2 aria-hidden /> Undo <ShortcutKey bindings={bindings} name="undo" />
      </Button>
    </div>
  );
}
