/** Command lines: what is typed is checked, and what is wrong is named. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CommandLineError, device, helpOf, readCommandLine, whole } from '@/scripts/command-line';

const command = {
  start: 'npm run develop --',
  about: 'Develops a film.',
  operands: ['FILM'],
  options: z.object({
    minutes: whole(1, 60).default(7).describe('in the tank'),
    only: z.array(z.string()).optional().describe('a frame'),
    quick: z.boolean().default(false).describe('skips the rinse'),
    device,
  }),
};
const read = (...args: string[]) => readCommandLine(command, args);

describe('readCommandLine', () => {
  it('gives what was typed and defaults for the rest', () => {
    expect(read('a.film', '--minutes', '9', '--only', '1', '--only=2', '--quick')).toEqual({
      values: { minutes: 9, only: ['1', '2'], quick: true, device: 'cpu' },
      operands: ['a.film'],
    });
    expect(read('a.film').values).toEqual({ minutes: 7, quick: false, device: 'cpu' });
  });
  it.each([
    [['a.film', '--minutes', 'x'], /--minutes x: .*number/],
    [['a.film', '--minutes', '61'], /--minutes 61: .*60/],
    [['a.film', '--device', 'abacus'], /--device abacus: .*"cpu"/],
    [['a.film', '--rinse'], /'--rinse'.*npm run develop -- --help/],
    [['a.film', '--minutes'], /--minutes.*argument missing/],
    [[], /FILM is missing: npm run develop -- FILM/],
    [['a.film', 'b.film'], /b\.film is one too many/],
  ])('names what is wrong with %j in one line', (args, message) => {
    expect(() => read(...args)).toThrow(CommandLineError);
    expect(() => read(...args)).toThrow(message);
    expect(() => read(...args)).not.toThrow(/\n/);
  });
});

it('tells every option with what it is for and what it is when left out', () => {
  const help = helpOf(command);
  for (const text of [
    'FILM',
    'Develops a film.',
    '--minutes',
    'in the tank (7)',
    '--only',
    '(cpu)',
  ]) {
    expect(help).toContain(text);
  }
  expect(help).not.toContain('false');
});
