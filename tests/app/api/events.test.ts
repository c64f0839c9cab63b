import { beforeAll, describe, expect, it } from 'vitest';
import { GET } from '@/app/api/events/route';
import { formatEvent, mayHear } from '@/app/api/events/stream';
import { withTemporaryHome } from '../../db/support';
import { appendEvent } from '../../support/events';
import { signInAs } from '../support/sign-in';

withTemporaryHome();

const serving = (policyId: string) =>
  appendEvent({
    kind: 'serving',
    payload: { alias: 'serving:hands', policyId },
    roundId: null,
  });

const running = () =>
  appendEvent({ kind: 'run', payload: { runId: 'r', status: 'active' }, roundId: null });

let researcher = '';
let annotator = '';

beforeAll(async () => {
  researcher = (await signInAs('researcher')).cookie;
  annotator = (await signInAs('annotator')).cookie;
});

/** Listens until `enough` is in the text, then hangs up; returns what was heard. */
async function listen(cookie: string, lastEventId: number, enough: string): Promise<string> {
  const abort = new AbortController();
  const request = new Request('http://127.0.0.1:3000/api/events', {
    headers: { cookie, 'last-event-id': String(lastEventId) },
    signal: abort.signal,
  });
  const response = await GET(request, { params: Promise.resolve({}) });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let heard = '';
  while (!heard.includes(enough)) {
    const { value, done } = await reader.read();
    if (done) break;
    heard += value;
  }
  abort.abort();
  return heard;
}

describe('the stream', () => {
  it('goes on after the last event heard, and brings what happens later', async () => {
    const first = await serving('one');
    const second = await serving('two');
    const listening = listen(researcher, first, 'three');
    await serving('three');
    const heard = await listening;
    expect(heard).not.toContain('"one"');
    expect(heard).toContain(`id: ${second}\nevent: serving\n`);
    expect(heard.indexOf('"two"')).toBeLessThan(heard.indexOf('"three"'));
  });

  it('tells those who only label nothing about policies', async () => {
    const from = await serving('secret');
    await serving('secret too');
    const last = await running();
    const heard = await listen(annotator, from - 1, `id: ${last}\n`);
    expect(heard).toContain('event: run');
    expect(heard).not.toContain('secret');
  });
});

it('lets researchers hear everything, annotators only what keeps their picks blind', () => {
  for (const kind of ['policy', 'serving', 'evaluation', 'train-step', 'worker'] as const) {
    expect(mayHear('annotator', { kind })).toBe(false);
    expect(mayHear('researcher', { kind })).toBe(true);
  }
  expect(mayHear('annotator', { kind: 'progress' })).toBe(true);
});

it('writes one event as browsers read it', () => {
  const event = {
    id: 7,
    kind: 'run',
    payload: { runId: 'r', status: 'done' },
    roundId: null,
    createdAt: 0,
  } as const;
  expect(formatEvent(event)).toBe(
    'id: 7\nevent: run\ndata: {"runId":"r","status":"done","roundId":null}\n\n',
  );
});
