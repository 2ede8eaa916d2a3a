/** The texts of the published contracts. `npm run contracts` writes them, and a test compares them with the files. */
import { stringify } from 'yaml';
import { requests } from '../src/contract/socket.ts';
import { asyncapiDocument } from './asyncapi.ts';
import { openapiDocument } from './openapi.ts';

const HEADER = '# Generated from src/contract with `npm run contracts`. Do not edit.\n';

/** The texts by their file names in the project's folder. */
export async function contractFiles(): Promise<Readonly<Record<string, string>>> {
  return {
    'openapi.yaml': textOf(await openapiDocument()),
    'asyncapi.yaml': textOf(asyncapiDocument(requests)),
  };
}

function textOf(document: object): string {
  return HEADER + stringify(document, { aliasDuplicateObjects: false, lineWidth: 110 });
}
