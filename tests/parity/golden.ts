/** @file Reading a folder of reference numbers. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors } from '@/trainer/formats/safetensors';
import { toFloat32 } from '@/trainer/graph/float16';
import { float32, type Tensor } from '@/trainer/graph/tensor';

export class Golden {
  private constructor(
    readonly name: string,
    readonly tensors: Map<string, Tensor>,
  ) {}

  static async read(folder: string, name: string): Promise<Golden> {
    return new Golden(name, (await readSafetensors(join(folder, `${name}.safetensors`))).tensors);
  }

  get(key: string): Tensor {
    const found = this.tensors.get(key);
    if (!found) throw new Error(`${this.name}.safetensors lacks "${key}"`);
    return found;
  }

  /** As float32, of another shape where one is given. */
  floats(key: string, dims?: readonly number[]): Tensor<'float32'> {
    const found = this.get(key);
    return float32(dims ?? found.dims, toFloat32(found));
  }

  /**
   * What a network gives: computed in float32 where the reference has that beside its half
   * precision.
   */
  output(key: string): Tensor<'float32'> {
    return this.floats(this.tensors.has(`${key}_fp32`) ? `${key}_fp32` : key);
  }

  /** Gradients of adapter tensors by the adapter's keys. */
  gradients(): Map<string, Tensor> {
    return new Map(
      [...this.tensors].flatMap(([key, value]) =>
        key.startsWith('grad.') ? [[key.slice(5), value]] : [],
      ),
    );
  }
}

export async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(path, 'utf8')) as T;
}
