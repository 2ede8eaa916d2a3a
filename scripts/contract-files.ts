/** The files of the published contracts, as text: what `npm run contracts` writes and a test compares. */
import { stringify } from 'yaml';
import { requests } from '../src/contract/socket.ts';
import { asyncapiDocument } from './asyncapi.ts';
import { openapiDocument } from './openapi.ts';

const HEADER = '# Generated from src/contract with `npm run contracts`. Do not edit.\n';

/** By their names in the project's folder. */
export async function contractFiles(): Promise<Readonly<Record<string, string>>> {
  return {
    'openapi.yaml': textOf(await openapiDocument()),
    'asyncapi.yaml': textOf(asyncapiDocument(requests)),
  };
}

function textOf(document: object): string {
  return HEADER + stringify(document, { aliasDuplicateObjects: false, lineWidth: 110 });
}
