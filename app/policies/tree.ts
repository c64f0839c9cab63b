import type { PolicyNode } from '../api/policies/schema';

/** A policy with where the tree's lines run in its row; lanes are counted from the left. */
export interface TreeRow {
  policy: PolicyNode;
  lane: number;
  /**
   * How the row is tied to its parent: not at all, straight from above, or from the lane to the
   * left.
   */
  joins: 'root' | 'above' | 'left';
  /** Whether a line goes on downwards in its own lane, to a child. */
  continues: boolean;
  /** Lanes whose line only passes by. */
  passing: number[];
}

/**
 * Rows from the base downwards. A line of descent stays in its lane; side branches stand between a
 * policy and the child that goes on, each one lane further right. The child that leads to the
 * newest policy goes on, so that a long run is one straight line.
 */
export function treeRows(policies: readonly PolicyNode[]): TreeRow[] {
  const childrenOf = (id: string | null) => policies.filter(({ parentId }) => parentId === id);
  const known = new Set(policies.map(({ id }) => id));
  const newestBelow = (policy: PolicyNode): number =>
    Math.max(policy.createdAt, ...childrenOf(policy.id).map(newestBelow));

  function rowsFrom(policy: PolicyNode, row: Omit<TreeRow, 'policy' | 'continues'>): TreeRow[] {
    const children = childrenOf(policy.id).sort((a, b) => newestBelow(a) - newestBelow(b));
    const main = children.at(-1);
    const branches = children.slice(0, -1);
    const { lane, passing } = row;
    return [
      { ...row, policy, continues: main !== undefined },
      ...branches.flatMap((branch) =>
        rowsFrom(branch, { lane: lane + 1, joins: 'left', passing: [...passing, lane] }),
      ),
      ...(main ? rowsFrom(main, { lane, joins: 'above', passing }) : []),
    ];
  }

  return policies
    .filter(({ parentId }) => parentId === null || !known.has(parentId))
    .flatMap((root) => rowsFrom(root, { lane: 0, joins: 'root', passing: [] }));
}
