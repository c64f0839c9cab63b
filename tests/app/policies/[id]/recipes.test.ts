import { expect, it } from 'vitest';
import { downloadsOf, recipesOf } from '@/app/policies/[id]/recipes';

const texts = (...asked: Parameters<typeof recipesOf>) =>
  recipesOf(...asked).flatMap(({ lines }) => lines.map(({ text }) => text));

it('a name with dots and blanks is a file in every folder, and a name that PEFT takes', () => {
  expect(texts('unet', 'Run 1.5 é 3')).toEqual([
    'pipe.load_lora_weights(\n    ".",\n    weight_name="Run-1.5-3.safetensors",\n    adapter_name="Run-1-5-3",\n)\npipe.set_adapters("Run-1-5-3", 1.0)',
    'ComfyUI/models/loras/Run-1.5-3-kohya.safetensors',
    'models/Lora/Run-1.5-3-kohya.safetensors',
    '<lora:Run-1.5-3-kohya:1>',
    'npm run policy:export -- "Run 1.5 é 3" FOLDER',
  ]);
});

it("A1111 takes diffusers' file of Stable Diffusion 3, ComfyUI and Forge kohya's", () => {
  expect(texts('joint-transformer', 'a')).toEqual([
    expect.stringContaining('load_lora_weights'),
    'ComfyUI/models/loras/a-kohya.safetensors',
    'models/Lora/a-kohya.safetensors',
    '<lora:a-kohya:1>',
    'models/Lora/a.safetensors',
    '<lora:a:1>',
    'npm run policy:export -- "a" FOLDER',
  ]);
});

it('ComfyUI takes PEFT’s names of PixArt, and PEFT loads them for diffusers, which does not', () => {
  const [python, comfy, ...rest] = texts('pixart', 'a 1.5');
  expect(python).toContain('load_file("a-1.5.safetensors")');
  expect(python).toContain('set_peft_model_state_dict(pipe.transformer, state)');
  expect(python).not.toContain('load_lora_weights');
  expect([comfy, ...rest]).toEqual([
    'ComfyUI/models/loras/a-1.5.safetensors',
    'npm run policy:export -- "a 1.5" FOLDER',
  ]);
});

it('no program is named that could not load it', () => {
  expect(recipesOf('transformer', 'a').map(({ program }) => program)).toEqual([
    'diffusers',
    'A whole pipeline',
  ]);
  expect(texts('made-up', 'a')).toEqual(['npm run policy:export -- "a" FOLDER']);
  expect(downloadsOf('made-up').map(({ names }) => names)).toEqual(['diffusers']);
  expect(downloadsOf('whole').map(({ names }) => names)).toEqual(['diffusers']);
  expect(texts('whole', 'a')[0]).toContain('load_file("a.safetensors")');
  // The denoiser of half of the families is no UNet.
  expect(texts('whole', 'a')[0]).toContain('else pipe.transformer');
});
