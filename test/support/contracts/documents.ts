/**
 * Validates values against openapi.yaml and asyncapi.yaml. Receivers MUST ignore unknown fields, but here every field
 * that a document does not name is a finding, so that the documents stay complete. Each schema is compiled when it is
 * first needed.
 */
import type { Ajv2020 as Ajv, ValidateFunction } from 'ajv/dist/2020.js';
import { isJsonObject } from '../../../src/contract/json.ts';

export type DocumentName = 'openapi.yaml' | 'asyncapi.yaml';

/** The parsed documents. */
export type Documents = Readonly<Record<DocumentName, unknown>>;

const TIMESTAMP = /^\d{4}-[01]\d-[0-3]\d[Tt][0-2]\d:[0-5]\d:[0-6]\d(?:\.\d+)?(?:[Zz]|[+-][0-2]\d:[0-5]\d)$/;

/** Follows a path of keys into the value. */
export function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce<unknown>((inner, key) => (isJsonObject(inner) ? inner[key] : undefined), value);
}

export function entriesAt(value: unknown, ...keys: readonly string[]): [string, unknown][] {
  const found = at(value, ...keys);
  return isJsonObject(found) ? Object.entries(found) : [];
}

/** Turns `#/channels/namespace/messages/marks` into the keys of its parts. */
export function keysOf(ref: unknown): string[] {
  const keys = String(ref).split('/').slice(1);
  return keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export class Schemas {
  readonly documents: Documents;
  readonly #ajv: Ajv;
  readonly #compiled = new Map<string, ValidateFunction>();

  constructor(documents: Documents, ajv: Ajv) {
    this.documents = documents;
    this.#ajv = ajv;
    ajv.addFormat('date-time', TIMESTAMP);
    for (const [name, document] of Object.entries(documents)) {
      // Only the schemas: ajv does not know the keywords of OpenAPI and AsyncAPI around them.
      ajv.addSchema({ components: { schemas: strict(at(document, 'components', 'schemas')) } }, name);
    }
  }

  /** What the schema does not allow in the value, as `/path: what`. `keys`: the schema's place in the document. */
  faults(name: DocumentName, keys: readonly string[], value: unknown): readonly string[] {
    const validate = this.#validator(name, keys);
    if (validate(value)) return [];
    const faults = (validate.errors ?? []).map(({ instancePath, message, params }) => {
      const unknown = 'additionalProperty' in params ? ` "${params.additionalProperty}"` : '';
      const allowed = 'allowedValues' in params ? ` ${JSON.stringify(params.allowedValues)}` : '';
      return `${instancePath || '/'} ${unknown === '' ? message : `has the undocumented field${unknown}`}${allowed}`;
    });
    return [...new Set(faults)];
  }

  #validator(name: DocumentName, keys: readonly string[]): ValidateFunction {
    const key = `${name}#/${keys.join('/')}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const schema = rebased(strict(at(this.documents[name], ...keys)), name);
    const compiled = this.#ajv.compile(isJsonObject(schema) ? schema : false);
    this.#compiled.set(key, compiled);
    return compiled;
  }
}

/** A copy whose objects allow only named fields. */
function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (!isJsonObject(schema)) return schema;
  const copy = Object.fromEntries(Object.entries(schema).map(([key, inner]) => [key, strict(inner)]));
  const isClosed = isJsonObject(schema.properties) && schema.additionalProperties === undefined;
  return isClosed ? { ...copy, additionalProperties: false } : copy;
}

/** A copy whose references lead into the document. */
function rebased(schema: unknown, name: DocumentName): unknown {
  if (Array.isArray(schema)) return schema.map((inner) => rebased(inner, name));
  if (!isJsonObject(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, inner]) => [
      key,
      key === '$ref' ? `${name}${inner}` : rebased(inner, name),
    ]),
  );
}
