/** @file How the runtime fails: what was asked of which engine, what went wrong, and what to do. */

/** A request that the engine refused or could not carry out; the engine lives on. */
export class EngineError extends Error {
  override name = 'EngineError';
}

/** The engine's process ended. Whatever was in it is gone: open another engine and load again. */
export class EngineDiedError extends EngineError {
  override name = 'EngineDiedError';
}

/** A sign in ONNX Runtime's message → what a person can do about it. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /Failed to get a WebGPU adapter/,
    'No graphics adapter was found: install a driver with Vulkan, or set VK_ICD_FILENAMES to the JSON file of a software one.',
  ],
  [
    /ExecutionProvider_Cuda: Failed to load shared library|libonnxruntime_providers_cuda/,
    'The CUDA libraries are not installed: run `npm run cuda`, or choose another device.',
  ],
  [
    /protobuf parsing failed|not a valid|INVALID_PROTOBUF|ModelProto does not have a graph/i,
    'The model is truncated or no ONNX file: export or download it again.',
  ],
  [
    /model file.*does not exist|Load model .* failed. File doesn't exist|NO_SUCHFILE/i,
    'Check the path, or export or download the model again.',
  ],
  [
    /external data|external initializer/i,
    'The weights file beside the model is missing or shorter than the model expects: export or download both again.',
  ],
  [
    /is not a registered function\/op/,
    'This build of ONNX Runtime has no such operator: write the graph with standard operators up to opset 18.',
  ],
  [
    /Failed to allocate memory|bad_alloc|out of memory/i,
    'Use a smaller batch or image, or close other programs.',
  ],
];

/** `message` with its remedy, if one is known, and without the source lines of ONNX Runtime. */
export function withRemedy(message: string): string {
  const plain = message
    .replaceAll(/\/onnxruntime_src\/\S+ /g, '')
    .replace(/^onnxruntime::.* was false\. /, '')
    .trim();
  const remedy = remedies.find(([sign]) => sign.test(message))?.[1];
  if (!remedy) return plain;
  return `${plain.replace(/\.?$/, '.')} ${remedy}`;
}
