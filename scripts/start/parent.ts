import { readFileSync } from 'node:fs';

const pollMs = 1_000;

/** The parent of a process, or 0 where that cannot be known. */
function parentOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is a name in parentheses that may itself hold spaces and parentheses.
    return Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}

/**
 * Calls back when the npm that started this process is gone. npm runs us through a shell, and
 * passes a signal on to that shell alone, so that without this an ended npm would leave us running.
 */
export function whenNpmEnds(callback: () => void): void {
  if (!process.env.npm_lifecycle_event) return;
  const shell = process.ppid;
  const npm = parentOf(shell);
  const timer = setInterval(() => {
    if (process.ppid === shell && parentOf(shell) === npm) return;
    clearInterval(timer);
    callback();
  }, pollMs);
  timer.unref();
}
