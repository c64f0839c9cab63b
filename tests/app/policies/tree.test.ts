import { describe, expect, it } from 'vitest';
import type { PolicyNode } from '@/app/api/policies/schema';
import { treeRows } from '@/app/policies/tree';

function policy(name: string, parentId: string | null, createdAt: number): PolicyNode {
  return {
    id: name,
    name,
    parentId,
    pipeline: 'hands',
    isBase: parentId === null,
    serving: false,
    round: null,
    measured: null,
    createdAt,
  };
}

/**
 * A row as a picture: lanes passed by as |, the policy as * and whether a line goes on below it.
 */
function drawn(policies: PolicyNode[]): string[] {
  return treeRows(policies).map(({ policy, lane, joins, continues, passing }) => {
    const lanes = Array.from({ length: lane + 1 }, (_, at) =>
      at === lane ? '*' : passing.includes(at) ? '|' : ' ',
    );
    return `${lanes.join('')} ${policy.name} ${joins}${continues ? ' goes on' : ''}`;
  });
}

describe('treeRows', () => {
  it('draws a run of rounds as one straight line', () => {
    expect(drawn([policy('base', null, 1), policy('a', 'base', 2), policy('b', 'a', 3)])).toEqual([
      '* base root goes on',
      '* a above goes on',
      '* b above',
    ]);
  });

  it('puts side branches between a policy and the child that leads to the newest', () => {
    const policies = [
      policy('base', null, 1),
      policy('a', 'base', 2),
      policy('try', 'a', 3),
      policy('try again', 'try', 4),
      policy('b', 'a', 5),
      policy('other', 'base', 6),
      policy('c', 'b', 7),
    ];
    expect(drawn(policies)).toEqual([
      '* base root goes on',
      '|* other left',
      '* a above goes on',
      '|* try left goes on',
      '|* try again above',
      '* b above goes on',
      '* c above',
    ]);
  });

  it('shows a policy whose parent is not among them as a root, and loses none', () => {
    expect(drawn([policy('base', null, 1), policy('lost', 'gone', 2)])).toEqual([
      '* base root',
      '* lost root',
    ]);
  });
});
