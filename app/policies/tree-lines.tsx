import { cn } from '../components/ui/cn';
import type { TreeRow } from './tree';

/** Width of a lane, in rem. */
const laneRem = 1.25;

const middleOf = (lane: number) => `${(lane + 0.5) * laneRem}rem`;

/** Where the text of a row begins, to the right of its dot. */
export function treeIndent(lane: number): string {
  return `${(lane + 1) * laneRem + 0.25}rem`;
}

/**
 * The lines of descent through one row, and the policy's dot on them. The cell around is
 * `relative`.
 */
export function TreeLines({ row: { lane, joins, continues, passing, policy } }: { row: TreeRow }) {
  const line = 'absolute w-px -translate-x-1/2 bg-muted-foreground/60';
  return (
    <span aria-hidden>
      {passing.map((passed) => (
        <span key={passed} className={cn(line, 'inset-y-0')} style={{ left: middleOf(passed) }} />
      ))}
      {joins === 'above' ? (
        <span className={cn(line, 'top-0 bottom-1/2')} style={{ left: middleOf(lane) }} />
      ) : null}
      {joins === 'left' ? (
        <span
          className="absolute top-1/2 h-px bg-muted-foreground/60"
          style={{ left: middleOf(lane - 1), width: `${laneRem}rem` }}
        />
      ) : null}
      {continues ? (
        <span className={cn(line, 'top-1/2 -bottom-px')} style={{ left: middleOf(lane) }} />
      ) : null}
      <span
        className={cn(
          'absolute top-1/2 size-2.5 -translate-x-1/2 -translate-y-1/2 rounded-full ring-4 ring-card',
          policy.serving ? 'bg-primary' : 'bg-muted-foreground',
        )}
        style={{ left: middleOf(lane) }}
      />
    </span>
  );
}
