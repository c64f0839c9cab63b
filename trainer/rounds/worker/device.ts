/** @file On which device this trainer computes. */
import { type DeviceReport, devices, probeDevices } from '@/trainer/runtime/devices';
import type { Device } from '@/trainer/runtime/protocol';

export interface ChosenDevice {
  device: Device;
  /** The graphics adapter, where one is used and known. */
  adapter: string | undefined;
}

const processor: ChosenDevice = { device: 'cpu', adapter: undefined };

/** A graphics adapter that is no program: those are slower than the processor they run on. */
function isHardware(report: DeviceReport): boolean {
  return report.opened && report.adapter !== undefined && !report.adapter.includes('software');
}

/**
 * The device that `DARKROOM_DEVICE` names, or the best that opens: CUDA, a hardware adapter by
 * WebGPU, the processor. Throws when the named one is unknown or does not open, with the reason.
 */
export async function chooseDevice(wanted = process.env.DARKROOM_DEVICE): Promise<ChosenDevice> {
  if (wanted) {
    const device = devices.find((name) => name === wanted);
    if (!device) {
      throw new Error(
        `DARKROOM_DEVICE is "${wanted}"; set it to ${devices.join(', ')} or nothing.`,
      );
    }
    if (device === 'cpu') return processor;
    const [report] = await probeDevices([device]);
    if (report?.opened) return { device, adapter: report.adapter };
    throw new Error(
      `DARKROOM_DEVICE asks for ${device}, which does not open. ${report?.reason ?? ''}`,
    );
  }
  for (const device of ['cuda', 'webgpu'] as const) {
    const [report] = await probeDevices([device]);
    if (report?.opened && (device === 'cuda' || isHardware(report))) {
      return { device, adapter: report.adapter };
    }
  }
  return processor;
}
