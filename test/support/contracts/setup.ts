/**
 * Runs before each test file. Checks everything that its tests receive against the contracts, and fails a test that has
 * findings.
 */
import { afterAll, afterEach, inject } from 'vitest';
import { takeFindings } from './findings.ts';
import { handOver } from './watch.ts';
import './watched-fetch.ts';

handOver(JSON.parse(inject('contracts')));

async function failForFindings(): Promise<void> {
  const findings = await takeFindings();
  if (findings.length > 0) throw new Error(`The contracts do not say this:\n${findings.join('\n')}`);
}

afterEach(failForFindings);
// Catches findings that came while no test was running.
afterAll(failForFindings);
