/** JSON from elsewhere, read member by member: what is not of the expected kind is as if it were not there. */

export type JsonObject = { readonly [key: string]: unknown };

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textAt(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === 'string' ? value : undefined;
}

export function numberAt(object: JsonObject, key: string): number | undefined {
  const value = object[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

export function textsAt(object: JsonObject, key: string): readonly string[] | undefined {
  const value = object[key];
  return Array.isArray(value) ? value.filter((element) => typeof element === 'string') : undefined;
}

/** Undefined also for what is not JSON at all. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
