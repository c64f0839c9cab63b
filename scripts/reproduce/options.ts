/** @file Options that every suite takes. */
import { z } from 'zod';
import { device } from '@/scripts/command-line';

export const suiteOptions = {
  out: z.string().default('docs/results').describe('where the report goes'),
  work: z.string().default('.darkroom/reproduce').describe('where finished work is kept'),
  device,
};
