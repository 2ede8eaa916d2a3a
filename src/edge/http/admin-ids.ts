/**
 * How `/admin` takes ids. An id is a percent-encoded part of the path. But clients read `.` and `..` as steps in a
 * path, even if they are encoded, and proxies may read `%2F` as `/`. So each path with an id has a sibling without
 * one, which takes any id as a query parameter.
 */
import { z } from 'zod';
import { audienceIdSchema, audienceSchema } from '../../contract/audience.ts';

export const userSchema = z.object({ user: audienceIdSchema });

export const audienceOnlySchema = z.object({ audience: audienceSchema });

/** Text for the description of the path without an id. */
export const ANY_ID =
  'For ids that a path cannot carry: `.` and `..` are steps in it. A `+` in a query is written %2B.';
