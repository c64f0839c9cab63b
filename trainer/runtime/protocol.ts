/**
 * @file What an engine and its child process say to each other. Tensors travel beside the messages
 * (see wire.ts).
 */
import type { Dtype } from '@/trainer/graph/tensor';
import type { PreparedSettings } from './prepared/store';

/** An execution provider of ONNX Runtime. */
export type Device = 'cpu' | 'webgpu' | 'cuda';

/** An input or output of a session: its symbolic dimensions are strings. */
export interface SessionPort {
  name: string;
  dtype: Dtype;
  dims: readonly (number | string)[];
}

/** The current and the highest resident memory of the child process. */
export interface EngineMemory {
  rssBytes: number;
  peakRssBytes: number;
}

/** How ONNX Runtime is to treat one model; see `LoadOptions` for the meaning of each. */
export interface SessionSettings {
  resident: string[];
  externalDataFolder?: string;
  memoryPattern: boolean;
  optimization: 'disabled' | 'basic' | 'extended' | 'all';
  prepacking: boolean;
  /** Threads of one operator. */
  threads: number;
}

/**
 * A tensor feed is the index of a tensor beside the message; a slot feed names what the child
 * keeps.
 */
export type Feed = { tensor: number } | { slot: string };

/**
 * What a load does with a network that is worth preparing and is not: says so, prepares it and
 * opens nothing, or opens it as it is.
 */
export type Prepare = 'ask' | 'make' | 'never';

export type Request =
  | {
      op: 'load';
      session: number;
      name: string;
      path?: string;
      prepare: Prepare;
      settings: SessionSettings;
    }
  | {
      op: 'run';
      session: number;
      feeds: Record<string, Feed>;
      fetch: string[];
      keep: Record<string, string>;
    }
  | { op: 'release'; session: number }
  | { op: 'put'; slots: string[] }
  | { op: 'get'; slots: string[] }
  | { op: 'drop'; slots: string[] }
  | { op: 'memory' };

export type RequestMessage = { id: number } & Request;

export type ReplyMessage = { id: number; memory: EngineMemory } & (
  | { error: string }
  | {
      inputs?: SessionPort[];
      outputs?: SessionPort[];
      fetched?: string[];
      unprepared?: boolean;
    }
);

/** What the child is started with, as JSON in its only argument. */
export interface ChildSettings {
  device: Device;
  deviceId?: number;
  spinning: boolean;
  prepared?: PreparedSettings;
}
