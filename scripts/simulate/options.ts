import { parseArgs } from 'node:util';
import { z } from 'zod';

const optionsSchema = z.strictObject({
  annotators: z.coerce.number().int().min(1).max(1000).default(8),
  rounds: z.coerce.number().int().min(1).max(1000).default(1),
  mistakes: z.coerce.number().min(0).max(0.5).default(0.05),
  'think-ms': z.coerce.number().int().min(0).max(60_000).default(300),
  seed: z.coerce.number().int().min(0).default(1),
  url: z.url().optional(),
});

export const usage = `npm run simulate -- [options]

Signs in as annotators over HTTP and labels through the same routes as the browser, until so many
rounds are done. Needs a running Darkroom (npm start) on the same DARKROOM_HOME, where it makes its
invitations.

  --annotators N   how many people label at once (8)
  --rounds N       rounds to wait for (1)
  --mistakes X     share of picks made at random (0.05)
  --think-ms N     how long a person looks at a pair, on average (300)
  --seed N         of the mistakes and the thinking times (1)
  --url URL        where Darkroom answers (the running one is found by itself)`;

export type Options = {
  [K in keyof z.infer<typeof optionsSchema>]: z.infer<typeof optionsSchema>[K];
};

/** Parses the command line; ends the process with the usage for --help and for what it does not know. */
export function readOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        annotators: { type: 'string' },
        rounds: { type: 'string' },
        mistakes: { type: 'string' },
        'think-ms': { type: 'string' },
        seed: { type: 'string' },
        url: { type: 'string' },
        help: { type: 'boolean' },
      },
    });
    const { help, ...rest } = values;
    if (help) {
      console.log(usage);
      process.exit(0);
    }
    return optionsSchema.parse(rest);
  } catch (error) {
    console.error(error instanceof z.ZodError ? z.prettifyError(error) : String(error));
    console.error(`\n${usage}`);
    process.exit(2);
  }
}
