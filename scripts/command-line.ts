/**
 * @file Command lines: options with their checks and their help in one place, and one clear line
 * for what is wrong.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';

export interface Command<Options extends z.ZodObject> {
  /** What is typed before operands and options, as `npm run bench --`. */
  start: string;
  /** What it does, for --help. */
  about: string;
  /** Names of what must be given, in order. */
  operands?: readonly string[];
  /** By option; `describe` says what it is for. Lists may be given several times. */
  options: Options;
}

/** What was typed. */
export interface Given<Options extends z.ZodObject> {
  values: z.infer<Options>;
  operands: string[];
}

/** Something wrong with a command line, in words for the person who typed it. */
export class CommandLineError extends Error {}

/** Where a model may run. */
export const device = z
  .enum(['cpu', 'webgpu', 'cuda'])
  .default('cpu')
  .describe('where ONNX Runtime computes: cpu, webgpu or cuda');

/** A whole number typed as text. */
export const whole = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  z.coerce.number().int().min(least).max(most);

/**
 * Reads the command line; ends the process after --help, and with status 2 for what it does not
 * understand.
 */
export function commandLine<Options extends z.ZodObject>(
  command: Command<Options>,
): Given<Options> {
  const args = process.argv.slice(2);
  if (args.includes('--help')) {
    console.log(helpOf(command));
    process.exit(0);
  }
  try {
    return readCommandLine(command, args);
  } catch (cause) {
    if (cause instanceof CommandLineError) refuse(cause.message);
    throw cause;
  }
}

/** Ends the process over something typed. */
export function refuse(why: string): never {
  console.error(why);
  process.exit(2);
}

/** @throws CommandLineError naming what is wrong and what would be right */
export function readCommandLine<Options extends z.ZodObject>(
  command: Command<Options>,
  args: string[],
): Given<Options> {
  const { start, operands = [], options } = command;
  const kinds = Object.entries(options.shape).map(([option, schema]) => {
    const kind = unwrapped(schema as z.ZodType);
    return [
      option,
      {
        type: kind instanceof z.ZodBoolean ? ('boolean' as const) : ('string' as const),
        multiple: kind instanceof z.ZodArray,
      },
    ];
  });
  const seeHelp = `See ${start} --help.`;
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args, options: Object.fromEntries(kinds), allowPositionals: true });
  } catch (cause) {
    // Node's own words name the option; what follows them is about dashes, and long.
    const [first] = (cause as Error).message.split(/\. (?=To )/);
    throw new CommandLineError(`${first}. ${seeHelp}`);
  }
  const { positionals } = parsed;
  const missing = operands[positionals.length];
  if (missing) throw new CommandLineError(`${missing} is missing: ${usageOf(command)}`);
  if (positionals.length > operands.length) {
    throw new CommandLineError(
      `${positionals[operands.length]} is one too many: ${usageOf(command)}`,
    );
  }
  const checked = options.safeParse(parsed.values);
  if (checked.success) return { values: checked.data, operands: positionals };
  const [issue] = checked.error.issues as [z.core.$ZodIssue];
  const option = String(issue.path[0]);
  const value = [parsed.values[option]].flat().join(', ');
  throw new CommandLineError(`--${option} ${value}: ${issue.message}. ${seeHelp}`);
}

/** The text of --help. */
export function helpOf(command: Command<z.ZodObject>): string {
  const rows = Object.entries(command.options.shape).map(([option, schema]) => {
    const { description = '' } = schema as z.ZodType;
    const preset = schema instanceof z.ZodDefault ? schema.def.defaultValue : undefined;
    const told = preset === undefined || preset === false ? '' : ` (${preset})`;
    return `  ${`--${option}`.padEnd(17)} ${description}${told}`;
  });
  return [usageOf(command), '', command.about, '', ...rows].join('\n');
}

const usageOf = ({ start, operands = [] }: Command<z.ZodObject>) =>
  [start, ...operands, '[options]'].join(' ');

/** The schema under defaults and optionals. */
function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodDefault || schema instanceof z.ZodOptional
    ? unwrapped(schema.unwrap() as z.ZodType)
    : schema;
}
