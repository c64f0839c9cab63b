import { adapterFileName } from '../../api/policies/file-names';
import type { PolicyDetail } from '../../api/policies/schema';

type Names = NonNullable<PolicyDetail['adapter']>['names'];

export interface Download {
  /** The query of the route. */
  names: 'diffusers' | 'kohya';
  label: string;
  /** Who reads it, in one sentence. */
  about: string;
}

/** How one program loads a policy. */
export interface Recipe {
  program: string;
  about: string;
  /** To be copied, with where it goes. */
  lines: readonly { what: string; text: string }[];
}

const diffusersFile: Download = {
  names: 'diffusers',
  label: 'For diffusers',
  about: "PEFT's names, with the configuration that diffusers keeps in the header.",
};

const kohyaFile: Download = {
  names: 'kohya',
  label: 'For ComfyUI and A1111',
  about:
    "kohya's names, all of which they know. Of the other file ComfyUI would pass over attention, silently.",
};

/** The files that a policy is downloaded as. */
export function downloadsOf(names: Names): Download[] {
  switch (names) {
    case 'unet':
      return [diffusersFile, kohyaFile];
    case 'joint-transformer':
      return [
        { ...diffusersFile, label: 'For diffusers and A1111' },
        {
          ...kohyaFile,
          label: 'For ComfyUI and Forge',
          about:
            "kohya's names, those of the model's authors. A1111 reads those of diffusers here.",
        },
      ];
    case 'pixart':
      return [
        {
          ...diffusersFile,
          label: 'For ComfyUI and PEFT',
          about: "PEFT's names, which ComfyUI knows of this model.",
        },
        {
          ...kohyaFile,
          label: 'As OneTrainer names it',
          about: 'For tools that go by its names. ComfyUI takes the other file.',
        },
      ];
    case 'transformer':
      return [
        diffusersFile,
        {
          ...kohyaFile,
          label: 'As OneTrainer names it',
          about: 'For tools that go by its names. ComfyUI and A1111 do not know this model.',
        },
      ];
    case 'made-up':
      return [
        {
          ...diffusersFile,
          label: 'Adapter',
          about: 'The export had dropped the names of modules, so no other program can place it.',
        },
      ];
    case 'whole':
      return [
        {
          ...diffusersFile,
          label: 'All weights',
          about: "Every weight of the denoiser under its own name, as diffusers' model has it.",
        },
      ];
  }
}

/** What to type, and where to put the file, in each program that can load it. */
export function recipesOf(names: Names, policy: string): Recipe[] {
  const files = {
    diffusers: adapterFileName(policy, 'diffusers'),
    kohya: adapterFileName(policy, 'kohya'),
  };
  const onDisk: Recipe = {
    program: 'A whole pipeline',
    about: 'The pipeline with these weights merged in, as ONNX files that Optimum opens.',
    lines: [{ what: 'Command', text: `npm run policy:export -- "${policy}" FOLDER` }],
  };
  if (names === 'made-up') return [onDisk];
  if (names === 'whole') return [wholeInDiffusers(files.diffusers), onDisk];
  if (names === 'pixart') return [inPeft(files.diffusers), inComfy(files.diffusers), onDisk];
  const recipes = [inDiffusers(files.diffusers)];
  if (names !== 'transformer') {
    recipes.push(inComfy(files.kohya));
    recipes.push(names === 'unet' ? inA1111(files.kohya) : jointInA1111(files));
  }
  return [...recipes, onDisk];
}

function inDiffusers(file: string): Recipe {
  // PEFT makes a module of it: no dots.
  const name = stem(file).replaceAll('.', '-');
  return {
    program: 'diffusers',
    about: 'With the pipeline that this one was exported from as pipe.',
    lines: [
      {
        what: 'Python',
        text: `pipe.load_lora_weights(\n    ".",\n    weight_name="${file}",\n    adapter_name="${name}",\n)\npipe.set_adapters("${name}", 1.0)`,
      },
    ],
  };
}

/** diffusers' pipelines of PixArt load no LoRA: PEFT does what the others would have it do. */
function inPeft(file: string): Recipe {
  return {
    program: 'diffusers',
    about: 'With the pipeline that this one was exported from as pipe. PEFT puts the adapter in.',
    lines: [
      {
        what: 'Python',
        text: `from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict
from safetensors.torch import load_file

state = load_file("${file}")
state = {name.removeprefix("transformer."): own for name, own in state.items()}
modules = sorted({name.partition(".lora_")[0] for name in state})
rank = state[f"{modules[0]}.lora_A.weight"].shape[0]
config = LoraConfig(r=rank, lora_alpha=rank, target_modules=modules)
inject_adapter_in_model(config, pipe.transformer)
set_peft_model_state_dict(pipe.transformer, state)`,
      },
    ],
  };
}

function wholeInDiffusers(file: string): Recipe {
  return {
    program: 'diffusers',
    about: 'With the pipeline that this one was exported from as pipe.',
    lines: [
      {
        what: 'Python',
        text: `from safetensors.torch import load_file

denoiser = pipe.unet if hasattr(pipe, "unet") else pipe.transformer
denoiser.load_state_dict(load_file("${file}"), strict=False)`,
      },
    ],
  };
}

function inComfy(file: string): Recipe {
  return {
    program: 'ComfyUI',
    about: 'A node "Load LoRA (Model)" between checkpoint and sampler, at strength 1.',
    lines: [{ what: 'File', text: `ComfyUI/models/loras/${file}` }],
  };
}

function inA1111(file: string): Recipe {
  return {
    program: 'A1111 and Forge',
    about: 'The file goes into the folder, the tag into the prompt.',
    lines: [
      { what: 'File', text: `models/Lora/${file}` },
      { what: 'Prompt', text: `<lora:${stem(file)}:1>` },
    ],
  };
}

function jointInA1111(files: { diffusers: string; kohya: string }): Recipe {
  return {
    program: 'A1111 and Forge',
    about: `Forge takes ${files.kohya}. A1111 takes ${files.diffusers}, and of it the image's attention alone: images differ a little from those here.`,
    lines: [
      { what: 'Forge', text: `models/Lora/${files.kohya}` },
      { what: 'Prompt', text: `<lora:${stem(files.kohya)}:1>` },
      { what: 'A1111', text: `models/Lora/${files.diffusers}` },
      { what: 'Prompt there', text: `<lora:${stem(files.diffusers)}:1>` },
    ],
  };
}

const stem = (file: string) => file.slice(0, -'.safetensors'.length);
