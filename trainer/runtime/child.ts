/**
 * @file Entry of an engine's child process: reads requests from descriptor 3, answers them in
 * order, and never outlives the process that started it.
 */
import { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { Tensor } from '@/trainer/graph/tensor';
import { withRemedy } from './errors';
import { Host } from './host';
import type { ChildSettings, EngineMemory, RequestMessage } from './protocol';
import { readFrames, writeFrame } from './wire';

/**
 * A run blocks this thread for as long as it takes, so a second thread watches for the parent's
 * end. Plain JavaScript in a string: a thread of its own would load the TypeScript compiler again.
 */
const watchParent = `
  const parent = require('node:worker_threads').workerData;
  setInterval(() => {
    let alive = process.ppid === parent;
    try { process.kill(parent, 0); } catch { alive = false; }
    if (!alive) process.kill(process.pid, 'SIGKILL');
  }, 500);
`;

function memory(): EngineMemory {
  return {
    rssBytes: process.memoryUsage.rss(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  };
}

/** Ctrl-C reaches the whole process group; the parent decides when its engines end. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

new Worker(watchParent, { eval: true, workerData: process.ppid }).unref();

const host = new Host(JSON.parse(process.argv[2]!) as ChildSettings);
const socket = new Socket({ fd: 3, readable: true, writable: true });
socket.on('close', () => process.exit(0));
socket.on('error', () => process.exit(0));

let turn: Promise<void> = Promise.resolve();

async function respond({ id, ...request }: RequestMessage, tensors: Tensor[]): Promise<void> {
  try {
    const answer = await host.answer(request, tensors);
    await writeFrame(socket, { id, memory: memory(), ...answer.body }, answer.tensors);
  } catch (cause) {
    const error = withRemedy(cause instanceof Error ? cause.message : String(cause));
    await writeFrame(socket, { id, memory: memory(), error });
  }
}

readFrames<RequestMessage>(socket, (message, tensors) => {
  turn = turn.then(() => respond(message, tensors));
});
