import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { fileMode } from '@/db/private-home';

const noteSchema = z.object({
  /** Of the process that started it all. */
  pid: z.number().int(),
  /** Where programs of this machine reach it. */
  url: z.url(),
  /** Where people reach it, if that is elsewhere. */
  publicUrl: z.url().nullable().default(null),
});

/** A Darkroom on a data folder, as its note says. */
export type Running = z.infer<typeof noteSchema>;

const answerMsMax = 2_000;

const noteFile = (home: string) => join(home, 'running.json');

/** Whether the web app at this address answers. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/api/health`, { signal: AbortSignal.timeout(answerMsMax) });
    return response.ok;
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** What the note says; undefined where there is none, or a crash cut it short. */
function readNote(home: string): Running | undefined {
  try {
    return noteSchema.parse(JSON.parse(readFileSync(noteFile(home), 'utf8')));
  } catch {
    return undefined;
  }
}

/**
 * The Darkroom that already runs on this data folder, if one does; a note left by a crash does not
 * count.
 */
export async function runningElsewhere(home: string): Promise<Running | undefined> {
  const note = readNote(home);
  return note && isAlive(note.pid) && (await answers(note.url)) ? note : undefined;
}

export function noteRunning(
  home: string,
  addresses: { url: string; publicUrl: string | null },
): void {
  const note = `${JSON.stringify({ pid: process.pid, ...addresses })}\n`;
  writeFileSync(noteFile(home), note, { mode: fileMode });
}

export function noteStopped(home: string): void {
  rmSync(noteFile(home), { force: true });
}
