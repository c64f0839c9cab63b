'use client';

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { z } from 'zod';
import {
  type AskedModel,
  askedImportSchema,
  type ImportAction,
  type ImportLora,
  type ImportsView,
  importsViewSchema,
  loraFilesSchema,
  modelFoldersSchema,
  portionSchema,
} from '../../api/policies/imports/schema';
import { useToast } from '../../components/ui/toast';
import { useEvents } from '../../events/use-events';
import { useReadAnew } from '../../events/use-read-anew';
import { bodyBytesMax } from '../../http/body-limit.mjs';
import { send, sendBytes } from '../../http/send';

const importKeys = {
  all: ['imports'] as const,
  folders: (below: string) => ['model-folders', below] as const,
  loras: (baseId: string) => ['lora-files', baseId] as const,
};

/** Imports under way and those that ended lately, read anew when one goes on. */
export function useImports(initialData: ImportsView): ImportsView {
  const readAnew = useReadAnew(importKeys.all);
  useEvents(['pipeline-import'], readAnew, readAnew);
  const { data } = useQuery({
    queryKey: importKeys.all,
    queryFn: () => send('GET', '/api/policies/imports', importsViewSchema),
    initialData,
    initialDataUpdatedAt: 0,
  });
  return data;
}

/** What lies in a folder under the root. */
export function useModelFolders(below: string) {
  return useQuery({
    queryKey: importKeys.folders(below),
    queryFn: () =>
      send(
        'GET',
        `/api/policies/imports/folders?below=${encodeURIComponent(below)}`,
        modelFoldersSchema,
      ),
    retry: false,
  });
}

/** Asks the trainer to take up the pipeline in a folder. */
export function useImportModel() {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: (asked: AskedModel) =>
      send('POST', '/api/policies/imports', askedImportSchema, asked),
    onSettled: () => queryClient.invalidateQueries({ queryKey: importKeys.all }),
  });
}

/** LoRA files that a base policy may be adapted by. */
export function useLoraFiles(baseId: string) {
  return useQuery({
    queryKey: importKeys.loras(baseId),
    queryFn: () => send('GET', `/api/policies/${baseId}/loras`, loraFilesSchema),
    retry: false,
  });
}

/** What is asked for: a file under the root, or one of this computer, which is sent before. */
interface AskedLora extends Omit<ImportLora, 'file'> {
  file: string | File;
}

/** Asks the trainer to take up a LoRA file. @param sent hears how many bytes have been sent */
export function useImportLora(baseId: string, sent: (bytes: number) => void) {
  const queryClient = useQueryClient();
  const path = `/api/policies/${baseId}/loras`;
  return useMutation({
    mutationFn: async ({ file, ...asked }: AskedLora) => {
      if (typeof file === 'string') {
        return send('POST', path, askedImportSchema, { ...asked, file });
      }
      const portions: string[] = [];
      for (let from = 0; from < file.size; from += bodyBytesMax) {
        sent(from);
        const portion = file.slice(from, from + bodyBytesMax);
        portions.push((await sendBytes(`${path}/portions`, portionSchema, portion)).hash);
      }
      sent(file.size);
      const upload = { name: file.name, portions };
      return send('POST', path, askedImportSchema, { ...asked, file: upload });
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: importKeys.all }),
  });
}

/** Cancels an import, or tries it again. */
export function useImportAction() {
  const queryClient = useQueryClient();
  const { complain } = useToast();
  return useMutation({
    mutationFn: ({ id, action }: { id: string; action: ImportAction }) =>
      send('POST', `/api/policies/imports/${id}/${action}`, z.unknown()),
    onError: (error) => complain('Nothing was changed', error.message),
    onSettled: () => queryClient.invalidateQueries({ queryKey: importKeys.all }),
  });
}
