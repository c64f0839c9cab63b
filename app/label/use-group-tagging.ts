'use client';

import { type Dispatch, useState } from 'react';
import type { ServedGroup } from '../api/label/schema';
import type { LabelAction } from './label-state';
import { newClientId } from './new-id';
import type { Deed } from './outbox';

/** Tagging the bad images of a group: what is tagged, sending it, and taking the last one back. */
export function useGroupTagging(options: {
  group: ServedGroup | null;
  addDeed: (deed: Deed) => void;
  dispatch: Dispatch<LabelAction>;
}) {
  const { group, addDeed, dispatch } = options;
  const [tagged, setTagged] = useState<string[]>([]);
  const [last, setLast] = useState<{ id: string; group: ServedGroup; tagged: string[] } | null>(
    null,
  );

  function toggle(sampleId: string) {
    setTagged((before) =>
      before.includes(sampleId) ? before.filter((id) => id !== sampleId) : [...before, sampleId],
    );
  }

  function submit() {
    if (!group) return;
    const id = newClientId();
    const { groupId } = group;
    addDeed({
      kind: 'tagging',
      leaseId: groupId,
      body: { id, groupId, taggedSampleIds: tagged },
    });
    setLast({ id, group, tagged });
    setTagged([]);
    dispatch({ type: 'let-go' });
  }

  function undo() {
    if (!last) return;
    addDeed({ kind: 'undo', leaseId: last.group.groupId, body: { taggingId: last.id } });
    setTagged(last.tagged);
    setLast(null);
    dispatch({ type: 'ran-dry', dry: { state: 'group', group: last.group } });
  }

  return { tagged, toggle, submit, undo: last ? undo : null };
}
