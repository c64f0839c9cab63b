'use client';

import { ChevronLeft, ChevronRight, X } from 'lucide-react';
import type { FlagKind } from '@/lib/flags';
import { Button } from '../../components/ui/button';
import { cn } from '../../components/ui/cn';
import type { HeldGroup } from '../answers/label-state';
import { FlagChips } from '../desk/flag-chips';
import { ShortcutKey } from '../keys/shortcut-key';
import { ariaKeys, type Bindings, tagShortcutOf } from '../keys/shortcuts';

/**
 * What can be done under the closer look at one image of a group: go to its neighbours, tag it,
 * flag it.
 */
export function GroupCloserBar({
  group,
  at,
  bindings,
  onToggle,
  onChoose,
  onFlag,
}: {
  group: HeldGroup;
  /** The image's index. */
  at: number;
  bindings: Bindings;
  onToggle: (sampleId: string) => void;
  onChoose: (sampleId: string) => void;
  onFlag: (sampleId: string, kind: FlagKind) => void;
}) {
  const image = group.images[at];
  if (!image) return null;
  const tagged = group.tagged.includes(image.sampleId);
  const shortcut = tagShortcutOf(at + 1);
  const before = group.images[at - 1];
  const after = group.images[at + 1];
  return (
    <div className="flex flex-col gap-2">
      <div className="@container">
        <FlagChips
          which="chosen"
          name={`image ${at + 1}`}
          image={image}
          bindings={bindings}
          onToggle={(kind) => onFlag(image.sampleId, kind)}
        />
      </div>
      <div className="flex items-center gap-2">
        <Button
          aria-label="Image before"
          aria-keyshortcuts={ariaKeys(bindings, 'choose-before')}
          className="h-12 beside:px-2"
          disabled={!before}
          onClick={() => before && onChoose(before.sampleId)}
        >
          <ChevronLeft aria-hidden /> <ShortcutKey bindings={bindings} name="choose-before" />
        </Button>
        <Button
          size="large"
          aria-pressed={tagged}
          aria-label={`Image ${at + 1} is bad`}
          aria-keyshortcuts={shortcut ? ariaKeys(bindings, shortcut) : undefined}
          className={cn(
            'min-w-0 flex-1 font-semibold beside:px-2',
            tagged && 'border-destructive bg-destructive/15 text-destructive',
          )}
          onClick={() => onToggle(image.sampleId)}
        >
          <X aria-hidden /> Bad
          {shortcut ? <ShortcutKey bindings={bindings} name={shortcut} /> : null}
        </Button>
        <Button
          aria-label="Image after"
          aria-keyshortcuts={ariaKeys(bindings, 'choose-after')}
          className="h-12 beside:px-2"
          disabled={!after}
          onClick={() => after && onChoose(after.sampleId)}
        >
          <ShortcutKey bindings={bindings} name="choose-after" /> <ChevronRight aria-hidden />
        </Button>
      </div>
    </div>
  );
}
