/**
 * The doctor's checks of what the configuration refers to: files and addresses that the process reads at its start,
 * and limits that must fit each other.
 */
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { limitsThatDoNotFit } from '../config/limits.ts';
import { readRoutes } from '../pipeline/routing/routes-file.ts';
import { readSources } from '../pipeline/sources/sources-file.ts';
import { FileError } from '../pipeline/yaml-file.ts';
import { fileReasonOf } from './files.ts';
import type { Finding } from './finding.ts';
import { fetchReasonOf, jsonIn } from './web.ts';

const ANSWER_MS = 5_000;

const keysSchema = z.looseObject({ keys: z.array(z.unknown()).min(1) });

/** Called only when the variables themselves are valid. */
export async function* examineConfiguration(config: Config): AsyncGenerator<Finding> {
  yield variables(config);
  for (const found of limitsThatDoNotFit(config)) yield { check: 'limits', verdict: 'advice', found };
  const { jwksUrl } = config.tokenKeys;
  if (jwksUrl !== undefined) yield await keys(jwksUrl);
}

/** Reads the files as the process does at its start: it does not start with the faults found here. */
function variables({ backends, ROUTES_FILE, SOURCES_FILE }: Config): Finding {
  const check = 'configuration';
  let name = 'ROUTES_FILE';
  try {
    const count = readRoutes(ROUTES_FILE).length;
    const routes = ROUTES_FILE === undefined ? '' : `, ${count} routes in ROUTES_FILE`;
    name = 'SOURCES_FILE';
    const found = readSources(SOURCES_FILE);
    const sources = found === undefined ? '' : `, ${found.length} sources in SOURCES_FILE`;
    const mode = backends === undefined ? 'embedded mode: no RabbitMQ, no Redis' : 'complete';
    return { check, verdict: 'ok', found: `${mode}${routes}${sources}` };
  } catch (error) {
    const reason = error instanceof FileError ? error.message : fileReasonOf(error);
    const change = `correct ${name}: the process does not start with it; a relative path begins where it is started`;
    return { check, verdict: 'wrong', found: `${name}: ${reason}`, change };
  }
}

async function keys(url: string): Promise<Finding> {
  const check = 'token keys';
  const change =
    'correct JWKS_URL, or let this machine reach it: a gateway that has never had keys lets nobody in';
  try {
    // Like the process, this follows no redirect.
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(ANSWER_MS) });
    if (!response.ok)
      return { check, verdict: 'wrong', found: `JWKS_URL answers ${response.status}`, change };
    const set = keysSchema.safeParse(jsonIn(await response.text()));
    if (set.success) return { check, verdict: 'ok', found: `${set.data.keys.length} at JWKS_URL` };
    return { check, verdict: 'wrong', found: 'JWKS_URL answers something else than a set of keys', change };
  } catch (error) {
    return { check, verdict: 'wrong', found: `JWKS_URL does not answer: ${fetchReasonOf(error)}`, change };
  }
}
