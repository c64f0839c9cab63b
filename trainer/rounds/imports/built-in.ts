/** @file Pipelines that Darkroom makes when they are asked for. */
import type { BuiltIn } from '@/lib/pipeline-imports';
import type { PolicyManifest } from '@/lib/policies';
import { handsFlowFolder, handsFlowManifest } from '@/trainer/hands/hands-flow';
import { handsFolder } from '../pipelines/resolve';

interface Made {
  /** Writes it where it is not there yet, and says where it lies. */
  folder(): Promise<string>;
  /** What is known of it beside what its import finds. */
  manifest(): Promise<PolicyManifest>;
}

export const builtIns: Readonly<Record<BuiltIn, Made>> = {
  'hands-flow': { folder: () => handsFlowFolder(handsFolder), manifest: handsFlowManifest },
};
