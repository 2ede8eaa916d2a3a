/**
 * Files that TLS connections to RabbitMQ and Redis trust and present: a private authority, a client's certificate and its
 * key. They are read again for each connection, so that a renewed certificate needs no restart.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { reasonOf } from '../resilience/reason.ts';

export interface TlsFiles {
  /** Trusted in place of the system's authorities. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** What `tls.connect` takes; each property is read from its file whenever it is asked for. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Of variables: an empty one is not set. */
export function tlsFiles(caFile = '', certFile = '', keyFile = ''): TlsFiles {
  return {
    ...(caFile === '' ? {} : { caFile }),
    ...(certFile === '' ? {} : { certFile }),
    ...(keyFile === '' ? {} : { keyFile }),
  };
}

/** Why no connection could be made with them; undefined when nothing is wrong. */
export function faultInTlsFiles({ caFile, certFile, keyFile }: TlsFiles): string | undefined {
  if ((certFile === undefined) !== (keyFile === undefined))
    return 'the certificate and its key are set together';
  try {
    // A context takes a file for authorities that has none in it, and then trusts nobody.
    if (caFile !== undefined) new X509Certificate(readFileSync(caFile));
    createSecureContext({
      ...(certFile === undefined ? {} : { cert: readFileSync(certFile, 'utf8') }),
      ...(keyFile === undefined ? {} : { key: readFileSync(keyFile, 'utf8') }),
    });
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** A file that cannot be read for a moment, because it is being replaced, is as it was before. */
export function tlsOptionsOf({ caFile, certFile, keyFile }: TlsFiles): TlsOptions {
  const options = {};
  for (const [name, file] of Object.entries({ ca: caFile, cert: certFile, key: keyFile })) {
    if (file === undefined) continue;
    let last = readFileSync(file, 'utf8');
    const get = () => {
      try {
        last = readFileSync(file, 'utf8');
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error;
      }
      return last;
    };
    Object.defineProperty(options, name, { get, enumerable: true });
  }
  return options;
}
