import { TriangleAlert } from 'lucide-react';
import { type LearnsFrom, type Method, sourceOf } from '@/lib/methods';
import { keptText } from '@/lib/rounds';

const newRoundTexts: Record<LearnsFrom, string> = {
  picks: 'draws new pairs',
  archive: 'freezes anew what people have said by then',
  reward: 'begins at its first step',
};

/** What stopped a round and what to do about it, in the trainer's own words. */
export function Failure({
  error,
  method,
  mayManage,
}: {
  error: string;
  method: Method;
  mayManage: boolean;
}) {
  const learnsFrom = sourceOf(method);
  return (
    <div
      role="alert"
      className="flex gap-3 rounded-lg border border-destructive/50 bg-destructive/10 p-4"
    >
      <TriangleAlert aria-hidden className="mt-0.5 size-5 shrink-0 text-destructive" />
      <div className="min-w-0 text-sm">
        <p className="break-words font-medium">{error}</p>
        <p className="mt-1 text-muted-foreground">
          {keptText(learnsFrom)}{' '}
          {mayManage
            ? `“Try again” goes on from that checkpoint; “Start a new round” ${newRoundTexts[learnsFrom]}.`
            : 'A researcher can try again or start a new round.'}
        </p>
      </div>
    </div>
  );
}
