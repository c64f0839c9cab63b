/**
 * @file Finished units of work on disk: what was done once is not done again, wherever the suite
 * was stopped.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeAtomically } from '@/trainer/hands/pretrain/checkpoint';

export class Store {
  private constructor(readonly folder: string) {}

  /**
   * Opens the folder of these settings, which stand beside the units: with others the work is other
   * work.
   */
  static async open(root: string, settings: unknown): Promise<Store> {
    const text = JSON.stringify(settings, null, 2);
    const folder = `${root}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`;
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'settings.json'), text);
    return new Store(folder);
  }

  /**
   * The unit's result: as stored, or by doing the work and storing it whole. @param name may hold
   * slashes
   */
  async unit<T>(name: string, work: () => Promise<T>): Promise<T> {
    const path = join(this.folder, `${name}.json`);
    if (existsSync(path)) return JSON.parse(await readFile(path, 'utf8')) as T;
    const result = await work();
    await mkdir(dirname(path), { recursive: true });
    writeAtomically(path, Buffer.from(JSON.stringify(result)));
    return result;
  }
}
