/**
 * How administration is told of whom it is about. An id stands in the path, percent-encoded; but clients take `.` and
 * `..` for steps in a path, also encoded, and proxies may take `%2F` for `/`. So each path with an id has one beside it
 * without, which takes the id as a query parameter and works for all.
 */
import { z } from 'zod';
import { audienceIdSchema, audienceSchema } from '../../contract/audience.ts';

export const userSchema = z.object({ user: audienceIdSchema });

export const audienceOnlySchema = z.object({ audience: audienceSchema });

/** For the description of the path without. */
export const ANY_ID =
  'For ids that a path cannot carry: `.` and `..` are steps in it. A `+` in a query is written %2B. Needs the scope admin.';
