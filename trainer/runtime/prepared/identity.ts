/**
 * @file What a prepared network depends on. Whoever differs in any of it prepares a network of its
 * own.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';
import { join, resolve } from 'node:path';

/** A model as it is given to ONNX Runtime. */
export interface Network {
  bytes: Uint8Array;
  /** Where its external data lies. */
  folder?: string;
}

export interface Identity {
  onnxRuntime: string;
  processor: string;
  /** SHA-256 of the graph with the weights that are in it. */
  graph: string;
  /** Files of weights beside it: path, bytes, and when they were written. */
  weights: readonly [path: string, bytes: number, modified: string][];
}

/** Undefined where not all of its weights can be found. */
export function identityOf(network: Network, onnxRuntime: string): Identity | undefined {
  const weights = filesOf(network);
  return (
    weights && {
      onnxRuntime,
      processor: processor(),
      graph: createHash('sha256').update(network.bytes).digest('hex'),
      weights,
    }
  );
}

/** Bytes of all weights, and of the graph. */
export const bytesOfAll = ({ bytes }: Network, { weights }: Identity): number =>
  weights.reduce((sum, [, size]) => sum + size, bytes.byteLength);

export function keyOf(identity: Identity): string {
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 32);
}

/**
 * Files in its folder that the graph names. They may be large: whether one is another is told by
 * its date.
 */
function filesOf({ bytes, folder }: Network): Identity['weights'] | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (!text.includes('location')) return [];
  if (folder === undefined) return undefined;
  const found = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => !entry.isDirectory() && text.includes(entry.name))
    .map(({ name }): [string, number, string] => {
      const path = resolve(join(folder, name));
      const { size, mtimeNs } = statSync(path, { bigint: true });
      return [path, Number(size), String(mtimeNs)];
    });
  return found.length > 0 ? found.sort(([a], [b]) => (a < b ? -1 : 1)) : undefined;
}

/** Weights are packed for the instructions that a processor has. */
function processor(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  return [platform(), arch(), model, ...instructions()].join(' ');
}

function instructions(): string[] {
  try {
    const told = readFileSync('/proc/cpuinfo', 'utf8').match(/^(?:flags|Features)\s*:\s*(.*)$/m);
    return told ? told[1]!.trim().split(/\s+/).sort() : [];
  } catch {
    return [];
  }
}
