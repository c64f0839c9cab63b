/**
 * @file The processes of one Darkroom, found by the data folder that they were given. Linux only:
 * it reads /proc.
 */
import { readdirSync, readFileSync } from 'node:fs';

export const victims = ['supervisor', 'web', 'trainer', 'engine'] as const;
export type Victim = (typeof victims)[number];

type Process = { pid: number; parent: number; command: string };

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Everything that runs on this data folder, npm and its shell included. */
export function processesOn(home: string): Process[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).flatMap((pid) => {
    if (!read(pid, 'environ').includes(`DARKROOM_HOME=${home}\0`)) return [];
    const stat = read(pid, 'stat');
    // The second field is a name in parentheses that may itself hold spaces and parentheses.
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === undefined || state === 'Z') return [];
    return [{ pid, parent: Number(parent), command: read(pid, 'cmdline').replaceAll('\0', ' ') }];
  });
}

/**
 * Who can be killed now. Engines and their lanes are the trainer's children; what is neither it nor
 * the web app is no victim.
 */
export function victimsOn(home: string): { kind: Victim; pid: number }[] {
  const all = processesOn(home);
  const supervisor = all.find(({ command }) => /^\S*node scripts\/start\.mjs/.test(command));
  const of = ({ pid, parent, command }: Process): Victim | undefined => {
    if (pid === supervisor?.pid) return 'supervisor';
    if (command.includes('trainer/runtime/child.cjs')) return 'engine';
    if (parent !== supervisor?.pid) return undefined;
    return command.includes('trainer/rounds/main.ts') ? 'trainer' : 'web';
  };
  return all.flatMap((process) => {
    const kind = of(process);
    return kind ? [{ kind, pid: process.pid }] : [];
  });
}
