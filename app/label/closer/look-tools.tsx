import { ArrowLeftRight, Blend, Minus, Plus, Scan, SquareSplitHorizontal } from 'lucide-react';
import type { ReactNode } from 'react';
import { cn } from '../../components/ui/cn';
import { ShortcutKey } from '../keys/shortcut-key';
import { ariaKeys, type Bindings, type LookShortcut } from '../keys/shortcuts';
import type { Comparing } from './use-comparing';

/**
 * How to look: ways to compare two images, and zooming without a wheel or two fingers (WCAG
 * 2.5.7). The other image follows.
 */
export function LookTools({
  bindings,
  comparing,
  onPixels,
  onZoomIn,
  onZoomOut,
  onWhole,
}: {
  bindings: Bindings;
  /** Null: there is one image. */
  comparing: Comparing | null;
  onPixels: () => void;
  onZoomIn: () => void;
  onZoomOut: () => void;
  onWhole: () => void;
}) {
  const of = (name: LookShortcut) => ({ bindings, name });
  return (
    <div className="flex flex-wrap max-sm:w-full">
      {comparing ? (
        <>
          <Tool
            {...of('slider')}
            pressed={comparing.arrangement === 'slider'}
            onClick={() =>
              comparing.arrange(comparing.arrangement === 'slider' ? 'beside' : 'slider')
            }
          >
            <SquareSplitHorizontal aria-hidden className="max-sm:hidden" /> Slider
          </Tool>
          <Tool
            {...of('difference')}
            pressed={comparing.arrangement === 'difference'}
            onClick={() =>
              comparing.arrange(comparing.arrangement === 'difference' ? 'beside' : 'difference')
            }
          >
            <Blend aria-hidden className="max-sm:hidden" /> Difference
          </Tool>
          <Tool
            {...of('blink')}
            label="Blink: the images change places while this is held"
            pressed={comparing.swapped}
            onHold={comparing.swap}
          >
            <ArrowLeftRight aria-hidden className="max-sm:hidden" /> Blink
          </Tool>
        </>
      ) : null}
      <Tool
        {...of('pixels')}
        label="1:1, one pixel of the image on one of the screen"
        onClick={onPixels}
      >
        1:1
      </Tool>
      <Tool {...of('zoom-out')} label="Zoom out" onClick={onZoomOut}>
        <Minus aria-hidden />
      </Tool>
      <Tool {...of('zoom-in')} label="Zoom in" onClick={onZoomIn}>
        <Plus aria-hidden />
      </Tool>
      <Tool bindings={bindings} label="Whole images" onClick={onWhole}>
        <Scan aria-hidden />
      </Tool>
    </div>
  );
}

function Tool({
  bindings,
  name,
  label,
  pressed,
  onClick,
  onHold,
  children,
}: {
  bindings: Bindings;
  name?: LookShortcut;
  /** In words, where what is printed does not say it. */
  label?: string;
  pressed?: boolean;
  onClick?: () => void;
  /** Called with true when it goes down, with false when it comes up. */
  onHold?: (held: boolean) => void;
  children: ReactNode;
}) {
  const release = onHold && (() => onHold(false));
  return (
    <button
      type="button"
      aria-label={label}
      aria-pressed={pressed}
      aria-keyshortcuts={name && ariaKeys(bindings, name)}
      onClick={onClick}
      onPointerDown={onHold && (() => onHold(true))}
      onPointerUp={release}
      onPointerLeave={release}
      onPointerCancel={release}
      onBlur={release}
      onKeyDown={
        onHold &&
        ((event) => {
          if (event.key !== ' ' && event.key !== 'Enter') return;
          event.preventDefault();
          onHold(true);
        })
      }
      onKeyUp={release}
      className={cn(
        'flex h-9 min-w-9 items-center justify-center gap-1.5 rounded-md px-2 text-xs hover:bg-white/10 sm:text-sm [&_svg]:size-4 [&_svg]:shrink-0',
        pressed && 'bg-film-ink text-film hover:bg-film-ink',
        onHold && 'touch-none select-none',
      )}
    >
      {children}
      {name ? <ShortcutKey bindings={bindings} name={name} /> : null}
    </button>
  );
}
