import { expect, it } from 'vitest';
import { openDatabase } from '@/db/client';
import { migrateDatabase } from '@/db/migrate';
import { eventSchema } from '@/lib/events';
import { evaluationSummarySchema } from '@/lib/metrics';
import { verdictSchema } from '@/lib/samples';
import { withOlderHome } from './older-home';

const home = withOlderHome(/A judge declares what it measures/);

const seen = { attributes: { skin: 'pale' }, alignment: 1 / 3 };
const verdicts = {
  both: {
    judge: 'hands a',
    fingers: 6,
    deformed: true,
    blood: true,
    ...seen,
    scores: { deformed: 0.9876543210987654, blood: 5.000000000000001e-21 },
  },
  unclear: { judge: 'hands a', deformed: true, blood: false, scores: { deformed: 1, blood: 0 } },
  sound: { judge: 'hands “a”', fingers: 5, deformed: false, blood: false, ...seen },
  bloody: { judge: 'hands a', fingers: 5, deformed: false, blood: true },
  partly: { judge: 'b', blood: true },
  silent: { judge: 'b', alignment: 0.1 + 0.2 },
  unread: null,
};

const summary = {
  images: 96,
  judge: 'hands a',
  deformed: { count: 27, n: 96 },
  blood: { count: 24, n: 96 },
  alignment: 0.1 + 0.2,
  winRate: { wins: 3, ties: 1, n: 96 },
  diversity: null,
  reward: { name: 'says "signal":"formed"', before: 1 / 3, after: 2 / 3, low: 0.1, high: 1e-7 },
  alarms: [
    { signal: 'formed', before: 1 - 27 / 96, after: 0.5 },
    { signal: 'bloodless', before: 0.75, after: 2 / 3 },
    { signal: 'alignment', before: 0.9, after: 0.8 },
  ],
  rewards: { s: 0.1234 },
};
const unjudged = {
  images: 8,
  deformed: { count: 0, n: 0 },
  blood: { count: 0, n: 0 },
  alignment: null,
  winRate: null,
  diversity: 0.4,
};

const worker = { workerId: 'w', alive: true, message: '' };

it('an older home keeps what its judges said, in the words that they declare now', async () => {
  const path = home.fill((client) => {
    const run = (sql: string, ...values: unknown[]) => client.prepare(sql).run(...values);
    run(
      "insert into policies (id, name, pipeline, hash, manifest, created_at) values ('p', 'p', 'hands', 'h', '{}', 0)",
    );
    for (const [id, verdict] of Object.entries(verdicts)) {
      run(
        "insert into samples (id, policy_id, prompt, seed, noise_seed, image_blob, width, height, purpose, verdict, created_at) values (?, 'p', '', 0, 0, ?, 1, 1, 'training', ?, 0)",
        id,
        id,
        verdict && JSON.stringify(verdict),
      );
    }
    const payload = { policyId: 'p', summary };
    for (const [id, one] of Object.entries({ summary, unjudged })) {
      run(
        "insert into evaluations (id, policy_id, summary, created_at) values (?, 'p', ?, 0)",
        id,
        JSON.stringify(one),
      );
    }
    for (const [kind, of] of [
      ['evaluation', payload],
      ['worker', worker],
    ] as const) {
      run(
        'insert into events (kind, payload, created_at) values (?, ?, 0)',
        kind,
        JSON.stringify(of),
      );
    }
  });

  await migrateDatabase(path);

  const now = openDatabase(path);
  const stored = (column: string, table: string) =>
    Object.fromEntries(
      (
        now.$client.prepare(`select id, ${column} from ${table}`).raw().all() as [string, string][]
      ).map(([id, text]) => [id, JSON.parse(text)]),
    );
  const read = stored('verdict', 'samples');
  const summaries = stored('summary', 'evaluations');
  const events = now.$client.prepare('select kind, payload from events order by id').all();
  now.$client.close();

  expect(read).toEqual({
    both: {
      judge: 'hands a',
      ...seen,
      defects: {
        deformed: { found: true, score: 0.9876543210987654, count: 6 },
        blood: { found: true, score: 5.000000000000001e-21 },
      },
      flags: ['hand', 'nsfw'],
    },
    unclear: {
      judge: 'hands a',
      defects: { deformed: { found: true, score: 1 }, blood: { found: false, score: 0 } },
      flags: ['hand'],
    },
    sound: {
      judge: 'hands “a”',
      ...seen,
      defects: {
        deformed: { found: false, score: 0, count: 5 },
        blood: { found: false, score: 0 },
      },
      flags: [],
    },
    bloody: {
      judge: 'hands a',
      defects: { deformed: { found: false, score: 0, count: 5 }, blood: { found: true, score: 1 } },
      flags: ['nsfw'],
    },
    partly: { judge: 'b', defects: { blood: { found: true, score: 1 } }, flags: ['nsfw'] },
    silent: { judge: 'b', alignment: 0.1 + 0.2, defects: {}, flags: [] },
    unread: null,
  });
  for (const verdict of Object.values(read)) verdictSchema.nullable().parse(verdict);

  const { deformed, blood, alarms, ...rest } = summary;
  const carried = {
    ...rest,
    defects: { deformed, blood },
    alarms: [{ ...alarms[0], signal: 'deformed' }, { ...alarms[1], signal: 'blood' }, alarms[2]],
  };
  const { deformed: _, blood: __, ...bare } = unjudged;
  expect(summaries).toEqual({ summary: carried, unjudged: { ...bare, defects: {} } });
  for (const one of Object.values(summaries)) evaluationSummarySchema.parse(one);

  const [measured, other] = (events as { kind: string; payload: string }[]).map((event) =>
    eventSchema.parse({ kind: event.kind, payload: JSON.parse(event.payload) }),
  );
  expect(measured?.payload).toEqual({ policyId: 'p', summary: carried });
  expect(other?.payload).toEqual(worker);
});
