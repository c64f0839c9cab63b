import type { TrainerState } from '../api/rounds/schema';
import { cn } from '../components/ui/cn';

/** Whether a trainer is there to do the work, and what to do if not. */
export function TrainerLine({ trainer }: { trainer: TrainerState }) {
  return (
    <p className="flex items-center gap-2 text-muted-foreground text-sm">
      <span
        aria-hidden
        className={cn(
          'size-2 shrink-0 rounded-full',
          trainer.alive ? 'bg-positive' : 'bg-destructive',
        )}
      />
      {trainer.alive ? (
        `Trainer at work on ${trainer.host ?? 'this machine'}, ${trainer.device ?? 'cpu'}`
      ) : (
        <span>
          No trainer has been heard of for 30 s. Start it with{' '}
          <code className="font-mono text-foreground">npm run trainer</code>, or everything with{' '}
          <code className="font-mono text-foreground">npm start</code>.
        </span>
      )}
    </p>
  );
}
