/** The doctor's checks of certificates in files that the configuration names, and what to change when TLS refuses one. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { BackendAddresses } from '../config/config.ts';
import type { TlsFiles } from '../config/tls-files.ts';
import type { Finding } from './finding.ts';

const DAY_MS = 86_400_000;
/** Certificates are usually renewed a third of their life before their end; those of 90 days are by then. */
const SOON_MS = 21 * DAY_MS;

const PEM = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Only what cannot be read keeps a process from starting: an expired certificate fails at each connection. */
export function* examineCertificates(
  { amqp, redis }: BackendAddresses,
  { NODE_EXTRA_CA_CERTS: extraFile }: Readonly<Record<string, string | undefined>>,
): Generator<Finding> {
  yield* certificatesOf('AMQP', amqp.tls);
  yield* certificatesOf('REDIS', redis.tls);
  if (!extraFile) return;
  const name = 'NODE_EXTRA_CA_CERTS';
  if (certificatesIn(extraFile).length > 0) {
    yield validityOf(name, extraFile, (ends) => Math.max(...ends));
    return;
  }
  const found = `${name} has no certificate in PEM form that can be read, and Node goes on without it`;
  const change = 'correct it, and start the process again: Node reads it at its start';
  yield { check: `certificates ${name}`, verdict: 'wrong', found, change };
}

function* certificatesOf(server: 'AMQP' | 'REDIS', { caFile, certFile }: TlsFiles = {}): Generator<Finding> {
  // Of many authorities one is enough. Of a chain each certificate is needed.
  if (caFile !== undefined) yield validityOf(`${server}_CA_FILE`, caFile, (ends) => Math.max(...ends));
  if (certFile !== undefined) yield validityOf(`${server}_CERT_FILE`, certFile, (ends) => Math.min(...ends));
}

/** `choose`: of the moments at which its certificates end, the one that counts. */
function validityOf(name: string, file: string, choose: (endsMs: readonly number[]) => number): Finding {
  const check = `certificates ${name}`;
  const certificates = certificatesIn(file);
  const endMs = choose(certificates.map(endOf));
  const certificate = certificates.find((one) => endOf(one) === endMs);
  if (certificate === undefined) return { check, verdict: 'unknown', found: 'it cannot be read as PEM' };
  const { subject, validFrom, validTo } = certificate;
  const owner = subject.replaceAll('\n', ', ');
  const nowMs = Date.now();
  const change = 'replace it in the file: each connection reads it again, so no restart is needed';
  if (Date.parse(validFrom) > nowMs) {
    const found = `${owner} is not valid before ${validFrom}`;
    return { check, verdict: 'wrong', found, change: `${change}; or correct this machine's clock` };
  }
  if (endMs < nowMs) return { check, verdict: 'wrong', found: `${owner} has expired on ${validTo}`, change };
  const found = `${owner} is valid until ${validTo}`;
  return endMs - nowMs < SOON_MS
    ? { check, verdict: 'advice', found, change }
    : { check, verdict: 'ok', found };
}

/** None, when one of them is malformed. */
function certificatesIn(file: string): readonly X509Certificate[] {
  try {
    return (readFileSync(file, 'utf8').match(PEM) ?? []).map((pem) => new X509Certificate(pem));
  } catch (error) {
    // Of the file system, which may have lost it since the configuration was read, or of OpenSSL.
    if (!(error instanceof Error && 'code' in error)) throw error;
    return [];
  }
}

function endOf(certificate: X509Certificate): number {
  return Date.parse(certificate.validTo);
}

/** In this order: EPROTO comes with a text that may name an alert too. */
const TLS_FAULTS = [
  ['expired', /certificate has expired|not yet valid/i],
  ['another host', /altnames|does not match/i],
  ['unknown authority', /self.signed|unable to (get|verify)/i],
  ['no TLS', /wrong version number|EPROTO|packet length|disconnected before secure TLS/i],
  ['no client certificate', /alert|handshake failure/i],
] as const;

/** What TLS says is wrong, by the words of Node, OpenSSL and the drivers; undefined when the reason is not TLS's. */
export function tlsFaultIn(reason: string): (typeof TLS_FAULTS)[number][0] | undefined {
  return TLS_FAULTS.find(([, words]) => words.test(reason))?.[0];
}

/** What to change when a connection to the server fails for this reason; undefined when the reason is not TLS's. */
export function tlsChangeFor(reason: string, server: 'AMQP' | 'REDIS'): string | undefined {
  const [scheme, plain] = server === 'AMQP' ? ['amqps', 'amqp'] : ['rediss', 'redis'];
  switch (tlsFaultIn(reason)) {
    case 'expired':
      return "have the server's certificate renewed; if it is not expired, correct this machine's clock";
    case 'another host':
      return `name a host in ${server}_URL that the server's certificate has, or have it issued for this host`;
    case 'unknown authority':
      return `set ${server}_CA_FILE to a PEM file with the authority that issued the server's certificate`;
    case 'no TLS':
      return `this port speaks no TLS: name the one that does, or write ${plain}:// in place of ${scheme}://`;
    case 'no client certificate':
      return `set ${server}_CERT_FILE and ${server}_KEY_FILE to a certificate that the server trusts`;
    case undefined:
      return undefined;
  }
}
