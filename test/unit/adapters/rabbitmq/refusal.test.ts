/** What RabbitMQ refuses, in words that name the user and the right. The texts are those of amqplib and RabbitMQ. */
import { expect, test } from 'vitest';
import { refusalIn } from '../../../../src/adapters/rabbitmq/refusal.ts';
import { amqpAddressOf } from '../../../../src/config/amqp-address.ts';

const SHOP = amqpAddressOf('amqp://sh%C3%B6p:p%2Fw@broker/a%20b');
const EXTERNAL = amqpAddressOf('amqps://broker/a%20b?auth_mechanism=external');

function refused(resource: string, classId: number, methodId: number, right = ''): Error {
  const said = `ACCESS_REFUSED - ${right}access to ${resource} in vhost 'a b' refused for user 'shöp'`;
  const message = `Operation failed: X; 403 (ACCESS-REFUSED) with message "${said}"`;
  return Object.assign(new Error(message), { code: 403, classId, methodId });
}

test.for<[string, Error, string]>([
  [
    'rabbitmq_login_refused',
    new Error(
      'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"',
    ),
    'RabbitMQ does not let in the user "shöp": the name or the password is wrong',
  ],
  [
    'rabbitmq_vhost_refused',
    new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'),
    'RabbitMQ lets in the user "shöp" and not into the virtual host "a b"',
  ],
  ['rabbitmq_right_missing', refused("exchange 'e'", 40, 10), 'no right to configure exchange "e" in'],
  ['rabbitmq_right_missing', refused("queue 'q'", 50, 10), 'no right to configure and read queue "q" in'],
  ['rabbitmq_right_missing', refused("exchange 'dlx'", 50, 10), 'no right to write exchange "dlx" in'],
  ['rabbitmq_right_missing', refused("queue 'q'", 50, 20), 'no right to write queue "q" in'],
  ['rabbitmq_right_missing', refused("exchange 'e'", 50, 20), 'no right to read exchange "e" in'],
  ['rabbitmq_right_missing', refused("queue 'q'", 60, 20), 'no right to read queue "q" in'],
  ['rabbitmq_right_missing', refused("queue 'q'", 60, 70), 'no right to read queue "q" in'],
  ['rabbitmq_right_missing', refused("exchange 'e'", 60, 40), 'no right to write exchange "e" in'],
  // Later versions name it themselves.
  ['rabbitmq_right_missing', refused("queue 'q'", 50, 10, 'read '), 'no right to read queue "q" in'],
  ['rabbitmq_right_missing', refused("queue 'q'", 99, 99), 'no right to access queue "q" in'],
])('%s %s', ([code, error, words]) => {
  const refusal = refusalIn(error, SHOP);
  expect(refusal?.code).toBe(code);
  expect(refusal?.message).toContain(words);
  expect(refusal?.message).not.toContain('p/w');
});

test('an outage is no refusal', () => {
  for (const message of ['connect ECONNREFUSED 127.0.0.1:5672', "404 NOT_FOUND - no queue 'q' in vhost '/'"])
    expect(refusalIn(new Error(message), SHOP)).toBeUndefined();
});

test.for([
  ['SASL mechanism EXTERNAL is not provided by the server', /needs the plugin rabbitmq_auth_mechanism_ssl/],
  ['Handshake terminated by server: 403 (ACCESS-REFUSED)', /the user of the certificate: RabbitMQ has none/],
] as const)('of a certificate: %s', ([message, words]) => {
  const refusal = refusalIn(new Error(message), EXTERNAL);
  expect(refusal?.code).toBe('rabbitmq_login_refused');
  expect(refusal?.message).toMatch(words);
});
