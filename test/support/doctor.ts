/** Runs `carillon doctor --json`, and reads its findings. */
import { z } from 'zod';
import { cli } from './cli.ts';

const findingSchema = z.object({
  check: z.string(),
  verdict: z.enum(['ok', 'advice', 'wrong', 'unknown']),
  found: z.string(),
  change: z.string().optional(),
});

/** Something else may listen on the default ports of the machine that runs the tests. */
const ANY_PORTS = { PORT: '0', OPS_PORT: '0' };

export async function doctor(environment: Readonly<Record<string, string>>) {
  const { exitCode, out, err } = await cli(['doctor', '--json'], { ...ANY_PORTS, ...environment });
  const findings = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => findingSchema.parse(JSON.parse(line)));
  const of = (check: string) => findings.find((finding) => finding.check === check);
  return { exitCode, err, findings, of };
}

/** What is wrong, or could not be looked at, except for what only the management API tells. */
export async function complaints(environment: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const { findings } = await doctor(environment);
  return findings
    .filter(
      ({ check, verdict }) => verdict === 'wrong' || (verdict === 'unknown' && check !== 'rabbitmq policies'),
    )
    .map(({ check, found }) => `${check}: ${found}`);
}
