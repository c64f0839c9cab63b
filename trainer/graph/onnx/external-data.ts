/**
 * @file External data of graphs that come from several folders and become one: ONNX Runtime opens
 * one folder per model, and nothing outside of it, links followed. So every file is named by its
 * own path, and when the graph is done, by the path from the nearest folder that holds them all.
 */
import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { type Constant, type ExternalTensor, type Graph, GraphError, isExternal } from '../model';
import { sizeOf } from '../tensor';
import { dataPath, loadConstant, readOnnxFile, withDataFile } from './read';

/** Constants up to this many elements are held in memory: shapes are computed from them. */
const smallSize = 1024;

/**
 * A copy of a graph read from a file, to be put into others: small constants read, the files of the
 * rest named by absolute path. @throws GraphError for a file that is missing or too short
 */
export async function locateExternalData(graph: Graph): Promise<Graph> {
  const constants = new Map<string, Constant>();
  for (const [name, constant] of graph.constants) {
    if (!isExternal(constant)) {
      constants.set(name, constant);
      continue;
    }
    const small = sizeOf(constant.dims) <= smallSize;
    constants.set(
      name,
      small ? await loadConstant(constant, graph, name) : await located(constant, graph, name),
    );
  }
  return { ...graph, constants };
}

function located(constant: ExternalTensor, graph: Graph, name: string): Promise<ExternalTensor> {
  return withDataFile(constant, graph, name, async () => {
    const location = await realpath(dataPath(constant, graph));
    return { ...constant, external: { ...constant.external, location } };
  });
}

/**
 * Reads a model file to be loaded by itself, small constants with it. `folder` is what ONNX Runtime
 * has to be given: it holds all data, which need not lie beside the model where files are links
 * into a store, as in Hugging Face's cache.
 * @throws GraphError
 */
export async function openGraphFile(path: string): Promise<{ graph: Graph; folder: string }> {
  const graph = await locateExternalData(await readOnnxFile(path));
  const folder = (await externalDataFolderOf(graph, dirname(path))) ?? dirname(path);
  return { graph: { ...graph, dataFolder: folder }, folder };
}

/**
 * Renames the external data of a finished graph to paths from one folder, and returns that folder;
 * undefined where the graph has none. @param folder where files lie that are not named by absolute
 * path
 */
export async function externalDataFolderOf(
  graph: Graph,
  folder: string,
): Promise<string | undefined> {
  const paths = new Map<string, string>();
  for (const [name, constant] of graph.constants) {
    if (!isExternal(constant)) continue;
    const path = resolve(folder, constant.external.location);
    paths.set(name, await realpath(path).catch(() => path));
  }
  if (paths.size === 0) return undefined;
  const shared = [...paths.values()].map(dirname).reduce(commonFolder);
  for (const [name, path] of paths) {
    const constant = graph.constants.get(name) as ExternalTensor;
    const location = relative(shared, path).split(sep).join('/');
    graph.constants.set(name, { ...constant, external: { ...constant.external, location } });
  }
  return shared;
}

/**
 * The deepest folder that holds both. @throws GraphError where there is none (two drives of
 * Windows)
 */
function commonFolder(a: string, b: string): string {
  let folder = a;
  while (!isWithin(b, folder)) {
    const above = dirname(folder);
    if (above === folder) {
      throw new GraphError(
        `The data of one graph lies in ${a} and in ${b}, which no folder holds both. Move them to one drive.`,
      );
    }
    folder = above;
  }
  return folder;
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return !isAbsolute(way) && way.split(sep)[0] !== '..';
}
