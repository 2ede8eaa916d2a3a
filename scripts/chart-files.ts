/**
 * The files of the Helm chart that come from elsewhere in this project. A chart is handed on as a folder or an archive of
 * its own, so it has copies, and a test compares them.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { chartValues } from './chart-values.ts';

const CHART = 'deploy/helm/carillon';
const read = (path: string) => readFile(new URL(`../${path}`, import.meta.url), 'utf8');

/** The texts by their file names in the project's folder. */
export async function chartFiles(): Promise<Readonly<Record<string, string>>> {
  const schema = z.toJSONSchema(chartValues, { target: 'draft-7' });
  return {
    [`${CHART}/values.schema.json`]: `${JSON.stringify(schema, undefined, 2)}\n`,
    [`${CHART}/files/alerts.yml`]: await read('ops/prometheus/alerts.yml'),
    [`${CHART}/files/dashboard.json`]: await read('ops/grafana/dashboards/carillon.json'),
  };
}
