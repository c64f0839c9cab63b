/** @file Another commit's build beside this one, measured by this one's programs. */
import { execFileSync } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

/** A checkout of `commit` in `folder` until `close`, with this one's packages and measurements. */
export function besides(
  root: string,
  commit: string,
  folder: string,
): { folder: string; close: () => void } {
  const git = (...args: string[]) => execFileSync('git', ['-C', root, ...args]);
  git('worktree', 'add', '--detach', folder, commit);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const part of ['tests/bench', 'trainer/graph/work.ts', 'trainer/graph/footprint.ts']) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  return {
    folder,
    close: () => {
      git('worktree', 'remove', '--force', folder);
    },
  };
}
