/** Who is connected where, as `/admin/users` and `/admin/audiences` tell it. */
import { isJsonObject, type JsonObject, numberAt, textAt } from '../json-object.ts';

export interface AtAudience {
  readonly audience: string;
  readonly offset: number | undefined;
}

interface Known {
  readonly session: string;
  readonly node: string;
  /** Undefined: the client has not named it. */
  readonly device: string | undefined;
  readonly connectedAt: string;
  readonly places: readonly AtAudience[];
}

interface ConnectedSession extends Known {
  readonly address: string;
  readonly transport: string;
}

interface AwayDevice extends Known {
  readonly disconnectedAt: string;
}

export interface UserPresence {
  readonly sessions: readonly ConnectedSession[];
  readonly devices: readonly AwayDevice[];
}

export interface AudiencePresence {
  readonly audience: string;
  readonly users: number | undefined;
  readonly sessions: number | undefined;
  readonly nodes: readonly {
    readonly node: string;
    readonly users: number | undefined;
    readonly sessions: number | undefined;
  }[];
  readonly head: { readonly epoch: string; readonly offset: number | undefined };
  readonly length: number | undefined;
}

export function readUserPresence(body: JsonObject): UserPresence {
  return {
    sessions: objectsIn(body.sessions).map((session) => ({
      ...readKnown(session),
      address: textAt(session, 'address') ?? '',
      transport: textAt(session, 'transport') ?? '',
    })),
    devices: objectsIn(body.devices).map((device) => ({
      ...readKnown(device),
      disconnectedAt: textAt(device, 'disconnectedAt') ?? '',
    })),
  };
}

export function readAudiencePresence(body: JsonObject): AudiencePresence {
  const head = isJsonObject(body.head) ? body.head : {};
  return {
    audience: textAt(body, 'audience') ?? '',
    users: numberAt(body, 'users'),
    sessions: numberAt(body, 'sessions'),
    nodes: objectsIn(body.nodes).map((node) => ({
      node: textAt(node, 'node') ?? '',
      users: numberAt(node, 'users'),
      sessions: numberAt(node, 'sessions'),
    })),
    head: { epoch: textAt(head, 'epoch') ?? '', offset: numberAt(head, 'offset') },
    length: numberAt(body, 'length'),
  };
}

function readKnown(known: JsonObject): Known {
  const places = isJsonObject(known.audiences) ? known.audiences : {};
  return {
    session: textAt(known, 'session') ?? '',
    node: textAt(known, 'node') ?? '',
    device: textAt(known, 'device'),
    connectedAt: textAt(known, 'connectedAt') ?? '',
    places: Object.entries(places).map(([audience, cursor]) => ({
      audience,
      offset: isJsonObject(cursor) ? numberAt(cursor, 'offset') : undefined,
    })),
  };
}

function objectsIn(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
