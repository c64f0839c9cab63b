/**
 * @file Fetches ONNX Runtime's CUDA libraries with the package's own install script. Optional, and
 * apart from the installation, because it downloads some hundred megabytes from nuget.org.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const packageFolder = fileURLToPath(new URL('../node_modules/onnxruntime-node/', import.meta.url));
const script = `${packageFolder}script/install.js`;

function fail(message) {
  console.error(message);
  process.exit(1);
}

if (process.platform !== 'linux' || process.arch !== 'x64') {
  fail(
    `ONNX Runtime offers CUDA libraries to Node on linux/x64 only; this is ${process.platform}/${process.arch}. ` +
      'Use the webgpu device instead: it needs no download.',
  );
}
if (!existsSync(script)) fail('The package onnxruntime-node is not installed: run `npm ci` first.');

const { status } = spawnSync(process.execPath, [script], {
  stdio: 'inherit',
  cwd: packageFolder,
  env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'cuda12' },
});
if (status !== 0) {
  fail(
    'The CUDA libraries could not be fetched. This step needs https://api.nuget.org; behind a proxy set ' +
      'GLOBAL_AGENT_HTTPS_PROXY. Darkroom runs on cpu and webgpu without them.',
  );
}
console.log(
  'CUDA libraries are in place. They need an NVIDIA driver, CUDA 12 and cuDNN 9: `npm run doctor` says whether the device opens.',
);
