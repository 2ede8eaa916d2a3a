/**
 * The doctor's checks of this machine and of the running process: Node, open files, ports and, if its address is known,
 * readiness.
 */
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { examinePorts } from './doctor-ports.ts';
import { opsUrlOf } from './environment.ts';
import { Failure } from './failure.ts';
import { type Finding, isAtLeast } from './finding.ts';
import { fetchReasonOf, jsonIn } from './web.ts';

/** Open files besides clients: files, pipes, RabbitMQ, Redis and HTTP. */
const OTHER_FILES = 200;
const ANSWER_MS = 5_000;

export async function* examineMachine(
  config: Config,
  environment: NodeJS.ProcessEnv,
): AsyncGenerator<Finding> {
  const found = process.version;
  const isRecent = isAtLeast(found.slice(1), [20, 19]);
  yield isRecent
    ? { check: 'node', verdict: 'ok', found }
    : { check: 'node', verdict: 'wrong', found, change: 'run Node 20.19 or later' };
  if (config.ROLES.includes('gateway')) yield openFiles(config.CONNECTIONS_PER_NODE);
  yield* examinePorts(config);
  if (environment.CARILLON_OPS_URL) yield await readiness(environment);
}

const reportSchema = z.looseObject({
  userLimits: z.looseObject({ open_files: z.looseObject({ soft: z.union([z.number(), z.string()]) }) }),
});

function openFiles(connections: number): Finding {
  const check = 'open files';
  const report = reportSchema.safeParse(process.report.getReport());
  if (!report.success) return { check, verdict: 'unknown', found: 'this system does not report its limits' };
  const { soft } = report.data.userLimits.open_files;
  const found = `ulimit -n is ${soft} here, CONNECTIONS_PER_NODE is ${connections}`;
  if (soft === 'unlimited' || (typeof soft === 'number' && soft >= connections + OTHER_FILES)) {
    return { check, verdict: 'ok', found };
  }
  const change = `let the service open ${connections + OTHER_FILES} files (LimitNOFILE, ulimit -n), or lower CONNECTIONS_PER_NODE: the service refuses connections for which it has no files`;
  return { check, verdict: 'advice', found, change };
}

const healthSchema = z.looseObject({
  status: z.string(),
  parts: z.record(z.string(), z.looseObject({ ok: z.boolean(), reason: z.string().optional() })).optional(),
});

async function readiness(environment: NodeJS.ProcessEnv): Promise<Finding> {
  const check = 'readiness';
  try {
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch(`${opsUrlOf(environment)}/health/ready`, { signal });
    const health = healthSchema.safeParse(jsonIn(await response.text()));
    if (!health.success) {
      const found = `CARILLON_OPS_URL answers ${response.status} and no health of Carillon's`;
      return { check, verdict: 'wrong', found, change: 'correct CARILLON_OPS_URL' };
    }
    const { status, parts = {} } = health.data;
    if (response.ok) return { check, verdict: 'ok', found: status };
    const failing = Object.entries(parts).filter(([, { ok }]) => !ok);
    const names = failing.map(([name, { reason }]) => `${name} (${reason ?? 'fails'})`).join(', ');
    const change = 'see docs/observability.md, Health, for each part, and the checks above';
    return { check, verdict: 'wrong', found: `${status}: ${names}`, change };
  } catch (error) {
    const reason = error instanceof Failure ? error.message : fetchReasonOf(error);
    const found = `CARILLON_OPS_URL does not answer: ${reason}`;
    return { check, verdict: 'wrong', found, change: 'start it, or correct CARILLON_OPS_URL' };
  }
}
