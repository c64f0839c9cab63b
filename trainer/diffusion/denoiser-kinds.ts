/**
 * @file The kinds of denoisers, a row each: how diffusers and Optimum name their folder, their
 * ports and their modules. A graph's own ports say which kind it is.
 */
import { type Graph, GraphError } from '@/trainer/graph/model';

export interface DenoiserKind {
  /** What people call it. */
  text: string;
  /** The folder in a pipeline, and what diffusers puts before an adapter's keys. */
  folder: 'unet' | 'transformer';
  /** The port that takes x_t. */
  sample: string;
  /** The port that gives the model's output. */
  output: string;
  /** Modules that an adapter is for, told by the end of their path; `all` includes `attention`. */
  adapted: { attention: RegExp; all: RegExp };
}

const projections = String.raw`to_q|to_k|to_v|to_out\.0`;
const ofTheText = 'add_q_proj|add_k_proj|add_v_proj|to_add_out';
const feedForward = String.raw`ff\.net\.0\.proj|ff\.net\.2`;

const ending = (...modules: string[]) => new RegExp(`\\.(?:${modules.join('|')})$`);

export const denoiserKinds = {
  unet: {
    text: 'UNet',
    folder: 'unet',
    sample: 'sample',
    output: 'out_sample',
    adapted: {
      attention: ending(projections),
      all: ending(projections, feedForward, 'conv1|conv2|conv_shortcut', 'proj_in|proj_out'),
    },
  },
  transformer: {
    text: 'transformer',
    folder: 'transformer',
    sample: 'hidden_states',
    output: 'out_hidden_states',
    adapted: {
      attention: ending(projections, ofTheText),
      all: ending(
        projections,
        ofTheText,
        feedForward,
        String.raw`ff_context\.net\.0\.proj|ff_context\.net\.2`,
        'conv_inverted|conv_point',
      ),
    },
  },
} as const satisfies Record<string, DenoiserKind>;

/** The kind that a graph's ports say it is. @throws GraphError naming them, where it is neither */
export function denoiserKindOf(graph: Graph): DenoiserKind {
  const ports = new Set(graph.inputs.map(({ name }) => name));
  const kind = Object.values(denoiserKinds).find(({ sample }) => ports.has(sample));
  if (kind) return kind;
  throw new GraphError(
    `${graph.source} has inputs ${[...ports].join(', ')}, but a UNet takes sample, a transformer hidden_states, beside timestep and encoder_hidden_states. Export it with Optimum's names.`,
  );
}
