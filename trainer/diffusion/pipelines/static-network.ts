/** @file A network with fixed shapes in an engine, and its outputs as float32. */
import { toFloat32 } from '@/trainer/graph/float16';
import { withStaticShapes } from '@/trainer/graph/inline';
import type { Graph, Port } from '@/trainer/graph/model';
import { serializeOnnx } from '@/trainer/graph/onnx/write';
import type { Engine, Outputs, Session } from '@/trainer/runtime/engine';
import { PipelineError } from '../pipeline-error';

/** One network of a pipeline. */
export interface Component {
  graph: Graph;
  /** Where the graph's external data lies. */
  folder: string;
}

/**
 * Loads a network with these input shapes; shape arithmetic disappears and, on GPUs, so do its
 * detours.
 */
export async function loadStatic(
  engine: Engine,
  component: Component,
  name: string,
  dims: Record<string, readonly number[]>,
): Promise<Session> {
  const graph = withStaticShapes(component.graph, dims);
  return engine.load(serializeOnnx(graph), { name, externalDataFolder: component.folder });
}

/** An output's values, whatever floating point type the network computes in. */
export function valuesOf(outputs: Outputs, name: string): Float32Array {
  return toFloat32(outputs[name]!);
}

/** An input or output by name, or an error that lists what there is. */
export function portNamed(graph: Graph, side: 'inputs' | 'outputs', name: string): Port {
  const port = graph[side].find((candidate) => candidate.name === name);
  if (port) return port;
  const list = graph[side].map((candidate) => candidate.name).join(', ');
  throw new PipelineError(
    `${graph.source} has no ${side.slice(0, -1)} "${name}", only ${list}. Export the pipeline with Optimum (PixArt: as docs/pixart.md says).`,
  );
}
