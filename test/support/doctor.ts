/** Runs `carillon doctor --json`, and reads its findings. */
import { z } from 'zod';
import { cli } from './cli.ts';

const findingSchema = z.object({
  check: z.string(),
  verdict: z.enum(['ok', 'advice', 'wrong']),
  found: z.string(),
  change: z.string().optional(),
});

export async function doctor(environment: Readonly<Record<string, string>>) {
  const { exitCode, out, err } = await cli(['doctor', '--json'], environment);
  const findings = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => findingSchema.parse(JSON.parse(line)));
  const of = (check: string) => findings.find((finding) => finding.check === check);
  return { exitCode, err, findings, of };
}
