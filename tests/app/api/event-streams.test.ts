import { afterEach, expect, it } from 'vitest';
import { eventStream, withoutStale } from '@/app/api/events/stream';
import { latestEventId, type StoredEvent } from '@/db/events';
import { withTemporaryHome } from '../../db/support';
import { appendEvent } from '../../support/events';
import { askedDuring } from '../../support/statements';

withTemporaryHome();

const open: AbortController[] = [];

afterEach(() => {
  for (const abort of open.splice(0)) abort.abort();
});

function listen(lastId: number) {
  const abort = new AbortController();
  open.push(abort);
  const stream = eventStream(lastId, 'researcher', abort.signal);
  return { abort, reader: stream.pipeThrough(new TextDecoderStream()).getReader() };
}

type Reader = ReturnType<typeof listen>['reader'];

async function until(reader: Reader, enough: string): Promise<string> {
  let heard = '';
  while (!heard.includes(enough)) {
    const { value, done } = await reader.read();
    if (done) break;
    heard += value;
  }
  return heard;
}

const running = (runId: string) =>
  appendEvent({ kind: 'run', payload: { runId, status: 'active' }, roundId: null });

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it('looks once for two hundred streams, and tells all of them', async () => {
  const from = await latestEventId();
  const streams = Array.from({ length: 200 }, () => listen(from));
  await Promise.all(streams.map(({ reader }) => until(reader, `id: ${from}\n`)));
  // They have caught up with what was there; from now on nothing happens.
  await pause(1500);
  const { statements: idle } = await askedDuring(() => pause(2200));
  expect(idle.length).toBeGreaterThan(0);
  expect(idle.length).toBeLessThanOrEqual(4);
  const told = askedDuring(() => Promise.all(streams.map(({ reader }) => until(reader, '"told"'))));
  await running('told');
  expect((await told).statements.length).toBeLessThanOrEqual(12);
});

it('brings a slow reader everything, in order and once, without keeping it in memory', async () => {
  const from = await latestEventId();
  const { reader } = listen(from);
  await until(reader, `id: ${from}\n`);
  await pause(800);
  const large = 'x'.repeat(2000);
  for (let i = 0; i < 600; i++) await running(`${i}-${large}`);
  await pause(1600);
  await running('last');
  const heard = await until(reader, '"last"');
  const ids = [...heard.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  expect(ids).toEqual(Array.from({ length: 601 }, (_, i) => from + 1 + i));
});

it('ends when its right ends, and tells no more', async () => {
  const from = await latestEventId();
  const { abort, reader } = listen(from);
  await until(reader, `id: ${from}\n`);
  abort.abort();
  await running('unheard');
  expect(await reader.read()).toEqual({ done: true, value: undefined });
});

it('tells of a progress only the last, of each round', () => {
  const event = (id: number, kind: string, roundId: string) =>
    ({ id, kind, roundId, payload: {}, createdAt: 0 }) as unknown as StoredEvent;
  const told = withoutStale([
    event(1, 'progress', 'a'),
    event(2, 'progress', 'b'),
    event(3, 'round', 'a'),
    event(4, 'progress', 'a'),
  ]);
  expect(told.map(({ id }) => id)).toEqual([2, 3, 4]);
});
