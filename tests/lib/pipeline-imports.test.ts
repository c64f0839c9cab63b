import { expect, it } from 'vitest';
import { nameOfFolder } from '@/lib/pipeline-imports';

it.each([
  ['/models/sd-turbo', 'sd-turbo'],
  ['/models/My model/', 'My-model'],
  ['C:\\models\\tiny-sdxl\\pipeline', 'tiny-sdxl'],
  ['/data/sana/onnx/', 'sana'],
  [`/hub/models--stabilityai--sd-turbo/snapshots/${'0a'.repeat(20)}`, 'sd-turbo'],
  ['/models', 'models'],
  ['/', 'imported'],
])('calls the pipeline in %s %s', (folder, name) => {
  expect(nameOfFolder(folder)).toBe(name);
});
