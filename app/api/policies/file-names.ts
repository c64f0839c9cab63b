import type { AdapterNaming } from '@/lib/exchange/adapter-file';

/** A name that every system accepts in a folder. */
export function fileName(name: string): string {
  return name.replace(/[^\w.-]+/g, '-');
}

/** What a policy's adapter is called where it is saved. */
export function adapterFileName(policy: string, names: AdapterNaming): string {
  return fileName(`${policy}${names === 'kohya' ? '-kohya' : ''}.safetensors`);
}
