/**
 * @file What a denoiser is told of prompts, computed elsewhere: `prompt_embeddings.safetensors` in
 * the place of text encoders that are too large for the machine. A tensor for each of the
 * denoiser's ports, [prompts, …], and the prompts as a JSON list under `prompts` in the metadata,
 * the empty one among them for what guidance leads away from:
 *
 *     save_file({"encoder_hidden_states": states, "encoder_attention_mask": mask}, path,
 *               metadata={"prompts": json.dumps(prompts)})
 */
import { z } from 'zod';
import { readSafetensors } from '@/trainer/formats/safetensors';
import { toFloat32 } from '@/trainer/graph/float16';
import { float32, formatDims, type Tensor } from '@/trainer/graph/tensor';
import { PipelineError } from '../pipeline-error';
import type { Conditioning, ConditioningShape } from './conditioning';

export const embeddingsFile = 'prompt_embeddings.safetensors';

const promptsSchema = z.array(z.string());

export class PromptEmbeddings {
  private constructor(
    private readonly path: string,
    private readonly rows: ReadonlyMap<string, number>,
    private readonly tensors: ReadonlyMap<string, Tensor>,
  ) {}

  /** @throws PipelineError that says what the file lacks */
  static async open(path: string): Promise<PromptEmbeddings> {
    const { tensors, metadata } = await readSafetensors(path);
    const prompts = promptsOf(metadata.prompts);
    const rows = new Map(prompts?.map((prompt, row) => [prompt, row]));
    const refuse = (what: string) => {
      throw new PipelineError(`${path} ${what}`);
    };
    if (!prompts)
      refuse('lacks "prompts" in its metadata: a list of the prompts, as JSON. Add it.');
    if (!rows.has('')) {
      refuse('lacks the empty prompt, which guidance leads away from. Add "" and its tensors.');
    }
    for (const [port, { dims }] of tensors) {
      if (dims[0] === prompts!.length && dims.length > 1) continue;
      refuse(
        `holds ${formatDims(dims)} as "${port}" for ${prompts!.length} prompts. Write [prompts, …].`,
      );
    }
    return new PromptEmbeddings(path, rows, tensors);
  }

  /** The shapes of one prompt's tensors. @throws PipelineError where one of the ports has none */
  shape(ports: readonly string[]): ConditioningShape {
    return Object.fromEntries(ports.map((port) => [port, this.#tensor(port).dims.slice(1)]));
  }

  /** @param prompt null stands for none */
  of(prompt: string | null, shape: ConditioningShape): Conditioning {
    const row = this.rows.get(prompt ?? '');
    if (row === undefined) {
      throw new PipelineError(
        `${this.path} has nothing for the prompt "${prompt}", and this pipeline has no text encoder. Take one of its ${this.rows.size} prompts, or add this one where the others were computed.`,
      );
    }
    return Object.fromEntries(Object.keys(shape).map((port) => [port, this.#row(port, row)]));
  }

  #tensor(port: string): Tensor {
    const tensor = this.tensors.get(port);
    if (tensor) return tensor;
    throw new PipelineError(
      `${this.path} lacks "${port}", which the denoiser is told of every prompt; it has ${[...this.tensors.keys()].join(', ')}. Add it.`,
    );
  }

  #row(port: string, row: number): Tensor<'float32'> {
    const tensor = this.#tensor(port);
    const [count, ...dims] = tensor.dims as [number, ...number[]];
    const size = tensor.data.length / count;
    const own = {
      ...tensor,
      dims,
      data: tensor.data.slice(row * size, (row + 1) * size),
    } as Tensor;
    return float32(dims, toFloat32(own));
  }
}

function promptsOf(text: string | undefined): string[] | undefined {
  try {
    return promptsSchema.safeParse(JSON.parse(text ?? '')).data;
  } catch {
    return undefined;
  }
}
