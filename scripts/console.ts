import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

const coloured =
  process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb';

function paint(style: Style, text: string): string {
  return coloured ? styleText(style, text) : text;
}

export const dim = (text: string) => paint('dim', text);
export const bold = (text: string) => paint('bold', text);
export const red = (text: string) => paint('red', text);
export const green = (text: string) => paint('green', text);
export const yellow = (text: string) => paint('yellow', text);

/** Prints one line of a table whose first column names the thing: `  ✓ database     ready`. */
export function line(mark: '✓' | '✗' | '·' | '!', name: string, text: string): void {
  const colour = { '✓': green, '✗': red, '·': dim, '!': yellow }[mark];
  console.log(`  ${colour(mark)} ${name.padEnd(12)} ${text}`);
}

/** A duration for people: `0.4 s`, `34 s`, `2 min 5 s`. */
export function duration(milliseconds: number): string {
  if (milliseconds < 9_950) return `${(milliseconds / 1000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 100) return `${seconds} s`;
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * Runs a step and prints its line with the time it took; the step returns what to say. An error is
 * the caller's to print.
 */
export async function step(name: string, run: () => Promise<string>): Promise<void> {
  const startedAt = performance.now();
  try {
    const said = await run();
    line('✓', name, `${said} ${dim(duration(performance.now() - startedAt))}`);
  } catch (error) {
    line('✗', name, 'failed');
    throw error;
  }
}
