/** @file The scheduler that a `scheduler_config.json` describes: of a diffusion, or of a flow. */
import { z } from 'zod';
import { schedulerClass } from './classes';
import { DdimScheduler } from './ddim';
import { FlowScheduler } from './flow';
import { type FlowConfig, flowConfigSchema } from './flow-config';
import { type ScheduleConfig, scheduleConfigSchema } from './schedule';
import type { Scheduler } from './scheduler';

export type SchedulerFile = { flow: FlowConfig } | { diffusion: ScheduleConfig };

const kindSchema = z.looseObject({
  _class_name: z.string().optional(),
  use_flow_sigmas: z.unknown().optional(),
  prediction_type: z.unknown().optional(),
});

/** @throws by its issues, each with the key it is about */
export const schedulerFileSchema = kindSchema.transform((file, context): SchedulerFile => {
  const refuse = ({ issues }: z.ZodError): never => {
    for (const { path, message } of issues) context.addIssue({ code: 'custom', path, message });
    return z.NEVER;
  };
  if (isFlow(file)) {
    const { data, error } = flowConfigSchema.safeParse(file);
    return data ? { flow: data } : refuse(error);
  }
  const { data, error } = scheduleConfigSchema.safeParse(file);
  return data ? { diffusion: data } : refuse(error);
});

function isFlow(file: z.output<typeof kindSchema>): boolean {
  const made = schedulerClass(file._class_name ?? '');
  return (
    ('process' in made && made.process === 'flow') ||
    file.use_flow_sigmas === true ||
    file.prediction_type === 'flow_prediction'
  );
}

/** @param imageTokens see `shiftOf` */
export function schedulerOf(file: SchedulerFile, imageTokens?: number): Scheduler {
  return 'flow' in file
    ? new FlowScheduler(file.flow, imageTokens)
    : new DdimScheduler(file.diffusion);
}
