/** @file Where WebGPU finds Vulkan on Linux, and software adapters for machines without a GPU. */
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** The driver file that the environment names, if any. */
function chosenDriver(): string | undefined {
  return (process.env.VK_DRIVER_FILES || process.env.VK_ICD_FILENAMES)?.split(delimiter)[0];
}

/**
 * What a process that opens WebGPU needs besides its own environment: Chromium ships the Vulkan
 * loader next to its driver file, where the system does not look.
 */
export function vulkanEnvironment(): Record<string, string> {
  const driver = chosenDriver();
  if (process.platform !== 'linux' || !driver) return {};
  const folder = dirname(driver);
  if (!existsSync(join(folder, 'libvulkan.so.1'))) return {};
  const paths = [process.env.LD_LIBRARY_PATH, folder].filter(Boolean);
  return { LD_LIBRARY_PATH: paths.join(delimiter) };
}

/** The driver file of a software adapter (SwiftShader) that came with a Chromium, or undefined. */
export function softwareDriver(): string | undefined {
  const file = 'vk_swiftshader_icd.json';
  const browsers = process.env.PLAYWRIGHT_BROWSERS_PATH || join(homedir(), '.cache/ms-playwright');
  const downloaded = existsSync(browsers)
    ? readdirSync(browsers)
        .filter((name) => name.startsWith('chromium-'))
        .flatMap((name) =>
          ['chrome-linux', 'chrome-linux64'].map((dir) => join(browsers, name, dir)),
        )
    : [];
  const folders = ['/usr/lib/chromium', '/usr/lib/chromium-browser', ...downloaded];
  return folders.map((folder) => join(folder, file)).find((path) => existsSync(path));
}
