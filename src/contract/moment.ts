/** Moments as RFC 3339 writes them: all of it, and nothing else. */
import { z } from 'zod';
import { momentOf } from './rfc3339.ts';

export const timestampSchema = z
  .string({ error: 'must be an RFC 3339 timestamp with a zone' })
  .max(256, 'must be at most 256 characters')
  .refine(
    (text) => !Number.isNaN(momentOf(text)),
    'must be an RFC 3339 timestamp with a zone, for example 2026-11-20T09:00:00Z',
  )
  .meta({ format: 'date-time' });
