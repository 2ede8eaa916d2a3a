/** Whose cursors a handshake has: those of the user that the server takes the token for. */
import { expect, test } from 'vitest';
import { Handshake } from '../../../../src/clients/client/handshake.ts';
import { STILL } from '../../../support/still-environment.ts';

const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;

const URL = 'http://carillon.example';
const cursors = { 'user:o1': { epoch: 'a', offset: 3 } };

function handshake(token: () => string) {
  const storage = {
    get: async (key: string) => (key === `carillon cursors o1 ${URL}` ? JSON.stringify(cursors) : null),
    set: async () => {},
  };
  const userOptions = {
    url: URL,
    storage,
    environment: STILL,
    now: () => 0,
    tell: () => {},
    onCopy: () => {},
  };
  return new Handshake({ url: URL, token: async () => token() }, userOptions);
}

test('where another claim than sub says who it is, it has them from the second time on', async () => {
  let subject = 's1';
  const made = handshake(() => jwt({ sub: subject }));
  expect(await made.auth(undefined)).not.toHaveProperty('cursors');
  expect(made.presentedFor('o1')).toBeUndefined();
  expect(await made.auth(undefined)).toMatchObject({ cursors });
  expect(made.presentedFor('o1')).toMatchObject({ user: 'o1' });
  subject = 's2';
  expect(await made.auth(undefined)).not.toHaveProperty('cursors');
});
