/**
 * @file Which devices ONNX Runtime can really open on this machine: a small model is run on each,
 * in a process of its own, so that a driver that crashes takes nothing with it.
 */
import { readdir, readFile } from 'node:fs/promises';
import type { Graph } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import { float32 } from '@/trainer/graph/tensor';
import { Engine, outputOf } from './engine';
import { EngineDiedError } from './errors';
import type { Device } from './protocol';

export const devices: readonly Device[] = ['cpu', 'webgpu', 'cuda'];

/**
 * What became of the attempt to open a device; `adapter` names the hardware or driver where it can
 * be known.
 */
export type DeviceReport =
  | { device: Device; opened: true; adapter: string | undefined; milliseconds: number }
  | { device: Device; opened: false; reason: string };

/** Tries every device, or those named, one after the other. */
export async function probeDevices(wanted: readonly Device[] = devices): Promise<DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const device of wanted) reports.push(await probeDevice(device));
  return reports;
}

/**
 * @param tries a driver that crashes does so every time; what was killed from outside gets another
 * try
 */
async function probeDevice(device: Device, tries = 2): Promise<DeviceReport> {
  const started = performance.now();
  let engine: Engine | undefined;
  try {
    engine = await Engine.open({ device, threads: 1 });
    const session = await engine.load(sumModel(), { name: 'device check' });
    const x = float32([4], [1, 2, 3, 4]);
    const { data } = outputOf(await session.run({ a: x, b: x }), 'y', 'float32');
    if (data.join() !== '2,4,6,8') {
      return { device, opened: false, reason: `It added wrongly: 1,2,3,4 doubled gave ${data}.` };
    }
    const adapter = await adapterOf(device, engine.pid);
    return { device, opened: true, adapter, milliseconds: performance.now() - started };
  } catch (cause) {
    if (cause instanceof EngineDiedError && tries > 1) return await probeDevice(device, tries - 1);
    const reason = (cause as Error).message.replace(
      /^(Starting|(Loading|Running) "device check")( on \w+)?: /,
      '',
    );
    return { device, opened: false, reason };
  } finally {
    await engine?.close();
  }
}

/** Vulkan driver library → how people call it. */
const vulkanDrivers: readonly (readonly [RegExp, string])[] = [
  [/libvk_swiftshader/, 'SwiftShader (software)'],
  [/libvulkan_lvp/, 'lavapipe (software)'],
  [/libGLX_nvidia|nvidia/, 'NVIDIA'],
  [/libvulkan_radeon/, 'AMD (RADV)'],
  [/amdvlk/, 'AMD (AMDVLK)'],
  [/libvulkan_intel/, 'Intel'],
];

async function adapterOf(device: Device, pid: number | undefined): Promise<string | undefined> {
  if (device === 'cpu') return undefined;
  const nvidia = await nvidiaName();
  if (device === 'cuda') return nvidia;
  if (process.platform === 'darwin') return 'Metal';
  if (process.platform === 'win32') return 'Direct3D 12';
  // ONNX Runtime does not tell the adapter's name, but the driver is mapped into the process that
  // opened it.
  const maps = await readFile(`/proc/${pid}/maps`, 'utf8').catch(() => '');
  const names = vulkanDrivers.filter(([library]) => library.test(maps)).map(([, name]) => name);
  return names.map((name) => (name === 'NVIDIA' && nvidia) || name).join(' or ') || undefined;
}

async function nvidiaName(): Promise<string | undefined> {
  const root = '/proc/driver/nvidia/gpus';
  const [first] = await readdir(root).catch(() => []);
  if (!first) return undefined;
  const information = await readFile(`${root}/${first}/information`, 'utf8').catch(() => '');
  return information.match(/^Model:\s*(.+)$/m)?.[1]?.trim();
}

function sumModel(): Uint8Array {
  const port = (name: string) => ({ name, dtype: 'float32' as const, dims: [4] });
  const graph: Graph = {
    name: 'sum',
    source: 'device check',
    irVersion: 8,
    opsets: { '': 18 },
    inputs: [port('a'), port('b')],
    outputs: [port('y')],
    nodes: [
      { name: 'sum', op: 'Add', domain: '', inputs: ['a', 'b'], outputs: ['y'], attributes: {} },
    ],
    constants: new Map(),
  };
  return serializeOnnx(graph);
}
