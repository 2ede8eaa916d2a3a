/** The level of the log, which operators may change for a while. */
import { z } from 'zod';

export const logLevelSchema = z.enum(
  ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
  'must be trace, debug, info, warn, error, fatal or silent',
);

export type LogLevel = z.infer<typeof logLevelSchema>;

/** Whoever forgets it fills no disk. */
export const MAX_LEVEL_SECONDS = 86_400;

/** For whoever does not say how long: ten minutes. */
export const DEFAULT_LEVEL_SECONDS = 600;

export const logLevelChangeSchema = z.strictObject({
  level: logLevelSchema,
  forSeconds: z
    .int()
    .min(1)
    .max(MAX_LEVEL_SECONDS)
    .default(DEFAULT_LEVEL_SECONDS)
    .describe('After so long each process goes back to its own LOG_LEVEL by itself.'),
  node: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe('One process, as `GET` and `carillon_node_info` name it. Default: all.'),
});

export type LogLevelChange = z.infer<typeof logLevelChangeSchema>;

/** What one process logs now. */
export const logLevelStateSchema = z
  .object({
    node: z.string().describe('The process that answers.'),
    level: logLevelSchema,
    configured: logLevelSchema.describe('LOG_LEVEL.'),
    until: z.iso.datetime().optional().describe('When it goes back to it; absent while that is its level.'),
  })
  .meta({ id: 'LogLevel' });

export type LogLevelState = z.infer<typeof logLevelStateSchema>;
