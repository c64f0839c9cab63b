/**
 * @file The tensors an engine keeps between runs: weights being trained, optimizer moments, images
 * under way. On WebGPU they stay in the device's memory. Runs in the engine's child process.
 */

import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { type Dtype, sameDims, type Tensor } from '@/trainer/graph/tensor';
import { EngineError } from './errors';
import { ort } from './onnxruntime';
import { fromOrt, toOrt } from './ort-tensor';
import type { Device } from './protocol';

/** Types for which a copy to the GPU and back exists; others are kept in memory. */
const deviceTypes: readonly string[] = ['float32', 'float16', 'int32', 'uint32'];

export class Slots {
  readonly #device: Device;
  readonly #values = new Map<string, ort.Tensor>();
  /**
   * A value that was replaced: its memory takes the slot's next value, which saves allocating anew
   * on each run.
   */
  readonly #spares = new Map<string, ort.Tensor>();
  /** The session whose run left a value in the device's memory. */
  readonly #makers = new Map<string, number>();
  readonly #copiers = new Map<string, Promise<ort.InferenceSession>>();

  constructor(device: Device) {
    this.#device = device;
  }

  /** The value of a slot, wherever it lies. */
  value(slot: string): ort.Tensor {
    const value = this.#values.get(slot);
    if (!value) {
      const known = [...this.#values.keys()].slice(0, 8).join(', ') || 'none';
      throw new EngineError(`Slot "${slot}" is empty: put a tensor there first. Filled: ${known}.`);
    }
    return value;
  }

  /** Memory into which a run may write the slot's next value, if it has this type and shape. */
  spare(slot: string, dtype: string, dims: readonly (number | string)[]): ort.Tensor | null {
    const spare = this.#spares.get(slot);
    if (spare?.type !== dtype || !sameDims(spare.dims, dims as readonly number[])) return null;
    return spare;
  }

  /** Makes `next`, which a run of `session` gave, the slot's value. */
  keep(slot: string, next: ort.Tensor, session: number): void {
    const last = this.#values.get(slot);
    this.#values.set(slot, next);
    if (next.location !== 'cpu') this.#makers.set(slot, session);
    if (last === undefined || last === next) return;
    if (last.location === 'cpu') this.#spares.set(slot, last);
    else last.dispose();
  }

  async put(slot: string, value: Tensor): Promise<void> {
    const inMemory = toOrt(value);
    const onDevice = this.#device === 'webgpu' && deviceTypes.includes(value.dtype);
    this.drop(slot);
    this.#values.set(slot, onDevice ? await this.#copy(inMemory, 'gpu-buffer') : inMemory);
  }

  async get(slot: string): Promise<Tensor> {
    const value = this.value(slot);
    const inMemory = value.location === 'cpu' ? value : await this.#copy(value, 'cpu');
    return fromOrt(inMemory, `Slot "${slot}"`);
  }

  /**
   * Before a session is released: what it left in slots moves to memory that stays. A GPU's buffers
   * belong to the session that made them; disposing of one after its session corrupts the process,
   * which dies later, elsewhere.
   */
  async outlive(session: number): Promise<void> {
    for (const [slot, maker] of this.#makers) {
      if (maker !== session) continue;
      const old = this.value(slot);
      this.#values.set(slot, await this.#copy(old, 'gpu-buffer'));
      this.#makers.delete(slot);
      old.dispose();
    }
  }

  drop(slot: string): void {
    const value = this.#values.get(slot);
    if (value && value.location !== 'cpu') value.dispose();
    this.#values.delete(slot);
    this.#makers.delete(slot);
    this.#spares.delete(slot);
  }

  /**
   * Reading a GPU tensor's data directly ends the process, so a one-node session carries it across.
   */
  async #copy(value: ort.Tensor, to: 'cpu' | 'gpu-buffer'): Promise<ort.Tensor> {
    const key = `${value.type} ${value.dims.length} ${to}`;
    let copier = this.#copiers.get(key);
    if (!copier) {
      copier = ort.InferenceSession.create(identityModel(value.type as Dtype, value.dims.length), {
        executionProviders: [this.#device],
        preferredOutputLocation: to,
      });
      this.#copiers.set(key, copier);
    }
    const { y } = await (await copier).run({ x: value });
    return y as ort.Tensor;
  }
}

function identityModel(dtype: Dtype, rank: number): Uint8Array {
  const dims = Array.from({ length: rank }, (_, axis) => `d${axis}`);
  const graph: Graph = {
    name: 'copy',
    source: 'copy',
    irVersion: 8,
    opsets: { '': 18 },
    inputs: [{ name: 'x', dtype, dims }],
    outputs: [{ name: 'y', dtype, dims }],
    nodes: [
      { name: 'copy', op: 'Identity', domain: '', inputs: ['x'], outputs: ['y'], attributes: {} },
    ],
    constants: new Map(),
  };
  return serializeOnnx(graph);
}
