import { TriangleAlert } from 'lucide-react';

/** What stopped a round and what to do about it, in the trainer's own words. */
export function Failure({ error, mayManage }: { error: string; mayManage: boolean }) {
  return (
    <div
      role="alert"
      className="flex gap-3 rounded-lg border border-destructive/50 bg-destructive/10 p-4"
    >
      <TriangleAlert aria-hidden className="mt-0.5 size-5 shrink-0 text-destructive" />
      <div className="min-w-0 text-sm">
        <p className="break-words font-medium">{error}</p>
        <p className="mt-1 text-muted-foreground">
          Answers and the last good checkpoint are kept.{' '}
          {mayManage
            ? '“Try again” goes on from that checkpoint; “Start a new round” draws new pairs.'
            : 'A researcher can try again or start a new round.'}
        </p>
      </div>
    </div>
  );
}
