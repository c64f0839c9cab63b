import { duration } from '@/scripts/console';
import { probeDevices } from '@/trainer/runtime/devices';
import type { Device } from '@/trainer/runtime/protocol';
import { softwareDriver } from '@/trainer/runtime/vulkan';
import { broken, type Finding, fine, lacking } from './finding';

function remedy(device: Device): string {
  if (device === 'cpu') return 'Install the packages anew: npm ci.';
  if (device === 'cuda') {
    return 'For an NVIDIA GPU on Linux: install its driver, CUDA 12 and cuDNN 9, then npm run cuda. Optional.';
  }
  const software = softwareDriver();
  return software
    ? `Install the GPU's Vulkan driver. Optional; a software adapter is here for tests: VK_ICD_FILENAMES=${software}.`
    : "Install the GPU's Vulkan driver. Optional.";
}

/** Every device that ONNX Runtime knows, opened for real by running a small model on it. */
export async function devices(): Promise<Finding[]> {
  const reports = await probeDevices();
  return reports.map((report) => {
    if (report.opened) {
      const adapter = report.adapter ?? 'opens';
      return fine(report.device, `${adapter}, ready in ${duration(report.milliseconds)}`);
    }
    const judge = report.device === 'cpu' ? broken : lacking;
    return judge(report.device, report.reason, remedy(report.device));
  });
}
