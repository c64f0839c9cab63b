import { namesOf } from '@/db/people/list';
import { isAmong, listedPolicies } from '@/db/policies/list';
import { listPipelineImports } from '@/db/policies/pipeline-imports';
import { isBeingImported, nameOfFolder } from '@/lib/pipeline-imports';
import type { ImportsView } from '../../api/policies/imports/schema';

/** So many are looked at; what ended is shown as long as this. */
const importsMax = 10;
const endedShownMs = 24 * 3_600_000;

/** Imports under way, and those that ended within a day, newest first. */
export async function loadImports(now = Date.now()): Promise<ImportsView> {
  const imports = (await listPipelineImports(importsMax)).filter(
    ({ state, finishedAt }) => isBeingImported(state) || (finishedAt ?? 0) > now - endedShownMs,
  );
  const names = await namesOf(imports.map(({ createdBy }) => createdBy));
  const ids = imports.flatMap(({ policyId }) => policyId ?? []);
  const bases = imports.flatMap(({ options }) => options.adapterOf ?? []);
  const policies =
    ids.length + bases.length > 0 ? await listedPolicies(isAmong([...ids, ...bases])) : [];
  return {
    imports: imports.map(({ id, folder, options, state, progress, policyId, error, ...rest }) => {
      const policy = policies.find((one) => one.id === policyId);
      const fileName = folder.split(/[\\/]/).at(-1) ?? folder;
      const { adapterOf } = options;
      return {
        id,
        folder,
        name: policy?.name ?? options.name ?? (adapterOf ? fileName : nameOfFolder(folder)),
        loraOf: adapterOf
          ? (policies.find((one) => one.id === adapterOf)?.name ?? adapterOf)
          : null,
        state,
        progress,
        policy: policy ? { id: policy.id, name: policy.name, pipeline: policy.pipeline } : null,
        error,
        createdBy: names.get(rest.createdBy ?? '') ?? null,
        createdAt: rest.createdAt,
      };
    }),
  };
}
