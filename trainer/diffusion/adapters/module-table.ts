/**
 * @file Modules of one model by every name that files of other programs call them. Underscores say
 * nothing of where a path is cut, so names are never taken apart: each is looked up in the model's
 * own list.
 */
import { kohyaModules, originalPath, underscored } from '@/lib/exchange/module-names';
import { type Graph, GraphError } from '@/trainer/graph/model';
import { type AdapterSite, type AdapterTargets, adapterSites } from './sites';

/** The sites that lie in one module of a file, one above the other in its rows. */
export type TableEntry = readonly (AdapterSite | undefined)[];

export interface ModuleTable {
  /** Sites by diffusers' path: of attention alone, and all. */
  sites: Record<AdapterTargets, ReadonlyMap<string, AdapterSite>>;
  /** Undefined where the model has no such module. @throws GraphError for a name of two */
  find(name: string): TableEntry | undefined;
}

/** @throws GraphError when the model has no module for an adapter */
export function moduleTable(graph: Graph): ModuleTable {
  const attention = byKey(adapterSites(graph, 'attention').values());
  const all = new Map([...attention, ...allSites(graph)]);
  const names = new Map<string, TableEntry | 'ambiguous'>();
  const add = (name: string, entry: TableEntry) => {
    const known = names.get(name);
    const same = known && known !== 'ambiguous' && known.every((site, i) => site === entry[i]);
    names.set(name, !known || same ? entry : 'ambiguous');
  };
  const paths = [...all.keys()];
  const [{ prefix }] = [...all.values()] as [AdapterSite];
  const layers = layersPerBlock(paths);
  for (const [path, site] of all) {
    add(path, [site]);
    add(underscored(path), [site]);
    // Processors of old call the way out by its list, not by its first member.
    if (path.endsWith('.to_out.0')) add(path.slice(0, -2), [site]);
    const own = prefix === 'unet' ? originalPath(path, layers) : undefined;
    if (!own) continue;
    add(own, [site]);
    add(underscored(own), [site]);
  }
  for (const { path, parts } of kohyaModules(prefix, paths)) {
    const entry = parts.map((part) => all.get(part));
    add(path, entry);
    add(underscored(path), entry);
  }
  return {
    sites: { attention, 'attention+feed-forward+convolutions': all },
    find: (name) => {
      const entry = names.get(name);
      if (entry !== 'ambiguous') return entry;
      throw new GraphError(
        `${graph.source} has two modules that are called ${name} once dots are underscores. Use a file with dots in its names.`,
      );
    },
  };
}

function byKey(sites: Iterable<AdapterSite>): Map<string, AdapterSite> {
  return new Map([...sites].map((site) => [site.key, site]));
}

/** All sites; those of attention alone where the graph's names tell no others. */
function allSites(graph: Graph): Map<string, AdapterSite> {
  try {
    return byKey(adapterSites(graph, 'attention+feed-forward+convolutions').values());
  } catch (thrown) {
    if (thrown instanceof GraphError) return new Map();
    throw thrown;
  }
}

function layersPerBlock(paths: readonly string[]): number {
  const layers = paths.map((path) => /^down_blocks\.\d+\.\w+\.(\d+)\./.exec(path)?.[1] ?? '0');
  return Math.max(...layers.map(Number)) + 1;
}
