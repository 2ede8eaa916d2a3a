/** Finds out which missing right RabbitMQ's refusal is about, and names it. */
import type { AmqpAddress } from '../../config/amqp-address.ts';

export interface RabbitMqRefusal {
  readonly code:
    | 'rabbitmq_login_refused'
    | 'rabbitmq_vhost_refused'
    | 'rabbitmq_right_missing'
    | 'topology_missing';
  readonly message: string;
  /** The exchange or the queue that the right is for, if it is for one. */
  readonly resource?: string;
}

const LOGIN = /Handshake terminated by server: 403/;

/** amqplib's own message: RabbitMQ offers no such way to log in. */
const NO_EXTERNAL = /SASL mechanism EXTERNAL is not provided/;

/** amqplib does not pass on RabbitMQ's message about a virtual host. */
const OPEN = /Expected ConnectionOpenOk; got <ConnectionClose/;

const RIGHT =
  /(?:(configure|write|read) )?access to (exchange|queue) '(.*?)' in vhost '(.*?)' refused for user '(.*?)'/;

/** The right that RabbitMQ demands for an exchange or a queue, by the AMQP method's class and number. */
const RIGHTS: Readonly<Record<string, { readonly exchange: string; readonly queue: string }>> = {
  '40.10': { exchange: 'configure', queue: '' },
  // The exchange is the queue's dead-letter exchange; a queue that has one must be readable too.
  '50.10': { exchange: 'write', queue: 'configure and read' },
  '50.20': { exchange: 'read', queue: 'write' },
  '50.50': { exchange: 'read', queue: 'write' },
  '60.20': { exchange: '', queue: 'read' },
  '60.40': { exchange: 'write', queue: '' },
  '60.70': { exchange: '', queue: 'read' },
};

type Login = Pick<AmqpAddress, 'username' | 'isExternal' | 'vhost'>;

/** Undefined when the error is about something else. `login`: the connection's. */
export function refusalIn(error: Error, login: Login): RabbitMqRefusal | undefined {
  const { username, isExternal, vhost: opened } = login;
  const user = isExternal ? 'the user of the certificate' : `the user "${username}"`;
  if (LOGIN.test(error.message)) {
    const cause = isExternal ? 'RabbitMQ has none of that name' : 'the name or the password is wrong';
    const message = `RabbitMQ does not let in ${user}: ${cause}`;
    return { code: 'rabbitmq_login_refused', message };
  }
  if (isExternal && NO_EXTERNAL.test(error.message)) {
    const message =
      'RabbitMQ takes no certificate for a login: it needs the plugin rabbitmq_auth_mechanism_ssl and EXTERNAL in auth_mechanisms';
    return { code: 'rabbitmq_login_refused', message };
  }
  if (OPEN.test(error.message)) {
    const message =
      `RabbitMQ lets in ${user} and not into the virtual host "${opened}": it does not exist, ` +
      'the user has no permissions in it, or a limit of connections is reached';
    return { code: 'rabbitmq_vhost_refused', message };
  }
  const [, named, kind, resource = '', vhost, owner] = RIGHT.exec(error.message) ?? [];
  if (kind !== 'exchange' && kind !== 'queue') return undefined;
  const right = named ?? (RIGHTS[methodOf(error)]?.[kind] || 'access');
  const message = `the user "${owner}" has no right to ${right} ${kind} "${resource}" in virtual host "${vhost}"`;
  return { code: 'rabbitmq_right_missing', message, resource };
}

function methodOf(error: Error): string {
  return 'classId' in error && 'methodId' in error ? `${error.classId}.${error.methodId}` : '';
}
