'use client';

import { Dialog as BaseDialog } from '@base-ui/react/dialog';
import { Minus, Plus, Scan, X } from 'lucide-react';
import { type ReactNode, useRef } from 'react';
import {
  type ReactZoomPanPinchRef,
  TransformComponent,
  TransformWrapper,
} from 'react-zoom-pan-pinch';
import { Button } from '../../components/ui/button';
import { cn } from '../../components/ui/cn';

/**
 * One or two images on the whole screen; pixels stay pixels. Moving or zooming one of two moves the
 * other the same way, so that the same place of both can be compared; another image in the place of
 * one is seen at the same place too.
 */
export function CloserLook({
  title,
  images,
  veiled,
  onClose,
  children,
}: {
  title: string;
  images: { src: string; alt: string }[];
  veiled: boolean;
  onClose: () => void;
  /** What can be done here, below the images. */
  children: ReactNode;
}) {
  const views = useRef<(ReactZoomPanPinchRef | null)[]>([]);
  const following = useRef(false);

  function follow(moved: number, x: number, y: number, scale: number) {
    // Setting the other's transform reports back here; that echo must not start a ping-pong.
    if (following.current) return;
    following.current = true;
    void views.current[1 - moved]?.setTransform(x, y, scale, 0);
    following.current = false;
  }

  return (
    <BaseDialog.Root open onOpenChange={(open) => open || onClose()}>
      <BaseDialog.Portal>
        <BaseDialog.Popup className="fixed inset-0 z-50 flex flex-col bg-film text-film-ink">
          <div className="flex items-center gap-2 px-3 py-2">
            <BaseDialog.Title className="min-w-0 flex-1 truncate text-sm">{title}</BaseDialog.Title>
            <ZoomButtons views={views} />
            <BaseDialog.Close
              aria-label="Close"
              className="flex size-9 items-center justify-center rounded-md hover:bg-white/10"
            >
              <X aria-hidden className="size-4" />
            </BaseDialog.Close>
          </div>
          <div
            className={cn(
              'grid min-h-0 flex-1 grid-cols-1 gap-1',
              images.length > 1 && 'grid-rows-2 landscape:grid-cols-2 landscape:grid-rows-1',
            )}
          >
            {images.map(({ src, alt }, index) => (
              <div
                // biome-ignore lint/suspicious/noArrayIndexKey: a place keeps its zoom when another image takes it
                key={index}
                className="relative min-h-0 min-w-0 overflow-hidden bg-white/5"
              >
                <TransformWrapper
                  ref={(view) => {
                    views.current[index] = view;
                  }}
                  minScale={1}
                  maxScale={24}
                  doubleClick={{ mode: 'toggle', step: 3 }}
                  onTransform={(_, { positionX, positionY, scale }) =>
                    follow(index, positionX, positionY, scale)
                  }
                >
                  <TransformComponent
                    wrapperStyle={{ width: '100%', height: '100%' }}
                    contentStyle={{ width: '100%', height: '100%' }}
                  >
                    <img
                      src={src}
                      alt={alt}
                      draggable={false}
                      className={`pixelated size-full object-contain ${veiled ? 'blur-2xl' : ''}`}
                    />
                  </TransformComponent>
                </TransformWrapper>
              </div>
            ))}
          </div>
          {/* On paper again: these colours are made for it. */}
          <div className="bg-background p-3 text-foreground">
            <div className="mx-auto w-full max-w-2xl">{children}</div>
          </div>
        </BaseDialog.Popup>
      </BaseDialog.Portal>
    </BaseDialog.Root>
  );
}

/** Zooming without a wheel or two fingers (WCAG 2.5.7). The other image follows. */
function ZoomButtons({ views }: { views: React.RefObject<(ReactZoomPanPinchRef | null)[]> }) {
  const first = () => views.current[0];
  const looks = {
    look: 'quiet',
    size: 'icon',
    className: 'text-film-ink hover:bg-white/10 hover:text-film-ink',
  } as const;
  return (
    <div className="flex">
      <Button {...looks} aria-label="Zoom out" onClick={() => void first()?.zoomOut(0.7, 0)}>
        <Minus aria-hidden />
      </Button>
      <Button {...looks} aria-label="Zoom in" onClick={() => void first()?.zoomIn(0.7, 0)}>
        <Plus aria-hidden />
      </Button>
      <Button {...looks} aria-label="Whole images" onClick={() => void first()?.resetTransform(0)}>
        <Scan aria-hidden />
      </Button>
    </div>
  );
}
