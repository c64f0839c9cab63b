import type { ShownImage } from '../../api/images/schema';
import { cn } from '../ui/cn';

/** What a judge saw in an image, in a few words; empty when nothing is wrong or nobody looked. */
export function defectsOf({ verdict }: ShownImage): string[] {
  return (verdict?.defects ?? []).map(({ words }) => words);
}

/** What an image shows, in words, for those who do not see it. */
export function altOf(image: ShownImage, prompt: string): string {
  const defects = defectsOf(image);
  return defects.length === 0 ? prompt : `${prompt}; the judge sees ${defects.join(' and ')}`;
}

/**
 * One image, pixels kept. For somebody who wants it so (`data-blur` on an ancestor), sensitive
 * images are blurred until pointed at or focused.
 */
export function Picture({
  image,
  src = image.src,
  prompt,
  className,
}: {
  image: ShownImage;
  /** Another picture of it: its thumbnail. */
  src?: string;
  prompt: string;
  className?: string;
}) {
  return (
    <img
      src={src}
      alt={altOf(image, prompt)}
      width={image.width}
      height={image.height}
      loading="lazy"
      decoding="async"
      draggable={false}
      data-sensitive={image.verdict?.sensitive || undefined}
      className={cn(
        'block aspect-square h-auto w-full bg-white/5 object-contain',
        'in-data-blur:data-sensitive:blur-md in-data-blur:data-sensitive:hover:blur-none in-data-blur:in-focus-visible:data-sensitive:blur-none',
        className,
      )}
    />
  );
}

/**
 * The marks a grease pencil would leave on a contact sheet: a corner for each defect the judge saw.
 */
export function DefectMarks({ image }: { image: ShownImage }) {
  const { defects = [] } = image.verdict ?? {};
  if (defects.length === 0) return null;
  return (
    <span aria-hidden className="pointer-events-none absolute top-1 right-1 flex gap-1">
      {defects.map(({ id, mark, sensitive }) => (
        <Mark key={id} className={sensitive ? 'text-destructive' : undefined}>
          {mark}
        </Mark>
      ))}
    </span>
  );
}

function Mark({ children, className }: { children: React.ReactNode; className?: string }) {
  return (
    <span
      className={cn(
        'flex h-4 min-w-4 items-center justify-center rounded-sm bg-film/85 px-1 font-mono text-film-ink text-xs leading-none',
        className,
      )}
    >
      {children}
    </span>
  );
}
