import type { DrawingRef } from '../../api/evaluations/schema';
import { Select } from '../ui/select';

/** Whose images are counted: those drawn one way. Nothing where there is one way only. */
export function DrawingSelect({
  drawings,
  drawing,
  onChange,
  className,
}: {
  drawings: readonly DrawingRef[];
  drawing: string | null;
  onChange: (drawing: string) => void;
  className?: string;
}) {
  if (drawing === null || drawings.length < 2) return null;
  return (
    <Select
      label="Drawn with"
      value={drawing}
      options={drawings.map(({ key, words }) => ({ value: key, label: words }))}
      onChange={onChange}
      className={className}
    />
  );
}

/** How the images were drawn whose rates are shown, as it stands within a sentence. */
export function drawnWith(drawings: readonly DrawingRef[], drawing: string | null): string {
  const words = drawings.find(({ key }) => key === drawing)?.words;
  return words ? `drawn with ${words}` : '';
}
