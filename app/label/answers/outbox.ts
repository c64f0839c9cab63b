import { z } from 'zod';
import { AppError, type ErrorCode, toAppError } from '@/lib/errors';
import {
  flagRequestSchema,
  type Outcome,
  preferenceRequestSchema,
  skipRequestSchema,
  taggingRequestSchema,
  undoRequestSchema,
} from '../../api/label/schema';
import type { BrowserStorage } from '../../components/storage/browser-storage';

/**
 * Something the person did that the server must hear of, in order and once. `leaseId` is the lease
 * it is about: what the server must not serve again meanwhile.
 */
export const actionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('preference'), leaseId: z.string(), body: preferenceRequestSchema }),
  z.object({ kind: z.literal('skip'), leaseId: z.string(), body: skipRequestSchema }),
  z.object({ kind: z.literal('undo'), leaseId: z.string(), body: undoRequestSchema }),
  z.object({ kind: z.literal('flag'), leaseId: z.null(), body: flagRequestSchema }),
  z.object({ kind: z.literal('tagging'), leaseId: z.string(), body: taggingRequestSchema }),
]);

export type Action = z.infer<typeof actionSchema>;

/**
 * `unsent`: actions the server has not acknowledged. `unkept`: how many of these the browser
 * refused to store, so that they are lost with the page. `refused`: whether it refused the last
 * one. `trouble`: why the first of them is still here.
 */
export type OutboxView = {
  unsent: number;
  unkept: number;
  refused: boolean;
  /** Leases that unsent actions are about; the server still counts them as open. */
  leaseIds: string[];
  trouble: { code: ErrorCode; message: string } | null;
};

/** An action under its key; `kept`: whether it would outlive the page. */
type Entry = { key: string; action: Action; kept: boolean };

/**
 * Hears what became of an action: the server's outcome, or the error with which it refused for
 * good.
 */
export type Watcher = (action: Action, result: Outcome | AppError) => void;

export type Outbox = {
  add(action: Action): void;
  /** Tries again now instead of when the pause after a failure is over. */
  hurry(): void;
  /** Called after every change of the view. Returns a way to stop it. */
  subscribe(listener: () => void): () => void;
  /** Called with what became of each action. Returns a way to stop it. */
  watch(watcher: Watcher): () => void;
  view(): OutboxView;
};

/** Refusals that trying again cannot mend: the action is dropped and the person told. */
const final: ReadonlySet<ErrorCode> = new Set([
  'bad-request',
  'conflict',
  'forbidden',
  'gone',
  'not-found',
  'paused',
  'unprocessable',
]);

const pauseMsFirst = 1_000;
const pauseMsMax = 15_000;

export const nothingUnsent: OutboxView = {
  unsent: 0,
  unkept: 0,
  refused: false,
  leaseIds: [],
  trouble: null,
};

/**
 * Actions on their way to the server. Each lies in `storage` under a key of its own from before the
 * first attempt until the server has acknowledged it, so it outlives a lost connection, a reload
 * and a crash; the server knows actions by their ids, so sending one twice changes nothing. What
 * the browser refuses to store is sent all the same, and stored as soon as there is room.
 */
export function createOutbox(options: {
  /** Whose actions these are: one browser may serve several people. */
  owner: string;
  storage: BrowserStorage;
  deliver: (action: Action) => Promise<Outcome>;
}): Outbox {
  const { storage, deliver } = options;
  const prefix = `darkroom-outbox:${options.owner}:`;
  const listeners = new Set<() => void>();
  const watchers = new Set<Watcher>();
  let queue = load();
  let lastKey = queue.at(-1)?.key ?? '';
  let trouble: OutboxView['trouble'] = null;
  let refused = false;
  let view = describe();
  let sending = false;
  let pauseMs = pauseMsFirst;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function load(): Entry[] {
    return storage.keys(prefix).flatMap((key) => {
      const parsed = actionSchema.safeParse(readJson(storage.read(key)));
      return parsed.success ? [{ key, action: parsed.data, kept: true }] : [];
    });
  }

  function keepAll(): void {
    queue = queue.map((entry) =>
      entry.kept
        ? entry
        : { ...entry, kept: storage.write(entry.key, JSON.stringify(entry.action)) },
    );
    refused = queue.some(({ kept }) => !kept);
  }

  function describe(): OutboxView {
    const leaseIds = queue.flatMap(({ action }) => action.leaseId ?? []);
    const unkept = queue.filter(({ kept }) => !kept).length;
    return { unsent: queue.length, unkept, refused, leaseIds: [...new Set(leaseIds)], trouble };
  }

  function changed(): void {
    view = describe();
    for (const listener of listeners) listener();
  }

  /** Keys sort in the order of the actions, also across a reload and a clock set back. */
  function nextKey(): string {
    const wanted = `${prefix}${String(Date.now()).padStart(15, '0')}:0000`;
    if (wanted > lastKey) return wanted;
    const cut = lastKey.lastIndexOf(':') + 1;
    return `${lastKey.slice(0, cut)}${String(Number(lastKey.slice(cut)) + 1).padStart(4, '0')}`;
  }

  async function send(): Promise<void> {
    if (sending) return;
    clearTimeout(timer);
    sending = true;
    try {
      for (let head = queue[0]; head; head = queue[0]) {
        const result = await deliver(head.action).catch((thrown: unknown) => toAppError(thrown));
        if (result instanceof AppError && !final.has(result.code)) {
          retryLater(result);
          return;
        }
        storage.remove(head.key);
        queue = queue.slice(1);
        trouble = null;
        pauseMs = pauseMsFirst;
        changed();
        for (const watcher of watchers) watcher(head.action, result);
      }
    } finally {
      sending = false;
    }
  }

  function retryLater(error: AppError): void {
    trouble = { code: error.code, message: error.message };
    keepAll();
    changed();
    timer = setTimeout(() => void send(), pauseMs);
    pauseMs = Math.min(pauseMs * 2, pauseMsMax);
  }

  void send();
  return {
    add(action) {
      lastKey = nextKey();
      queue = [...queue, { key: lastKey, action, kept: false }];
      keepAll();
      changed();
      // While a pause after a failure runs, new actions wait behind the one that failed.
      if (!trouble) void send();
    },
    hurry() {
      pauseMs = pauseMsFirst;
      void send();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    watch(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    view: () => view,
  };
}

function readJson(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return null;
  }
}
