/** Checks an open page with axe. Reports only serious and critical findings, each with its place. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { z } from 'zod';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const violationsSchema = z.array(
  z.object({
    id: z.string(),
    impact: z.string().nullish(),
    nodes: z.array(z.object({ html: z.string(), failureSummary: z.string().optional() })),
  }),
);

export async function seriousIn(page: Page): Promise<readonly string[]> {
  // In the middle of an animation, axe would see colours that nobody has to read.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.evaluate(source);
  const found: unknown = await page.evaluate('axe.run().then(({ violations }) => violations)');
  return violationsSchema
    .parse(found)
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary = '' }) => `${id}: ${html} ${failureSummary}`),
    );
}
