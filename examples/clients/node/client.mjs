/**
 * The same with carillon-client, which does all of that by itself and has the inbox as well.
 *
 *   TOKEN=… node client.mjs
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { bytesOf, connect } from 'carillon-client';

const { CARILLON_URL = 'http://localhost:3000', CURSORS_FILE = 'cursors.json', TOKEN = '' } = process.env;
const stored = new Map(existsSync(CURSORS_FILE) ? JSON.parse(readFileSync(CURSORS_FILE, 'utf8')) : []);

const carillon = connect({
  url: CARILLON_URL,
  // Asked for each connection and before the last one ends: an app asks its login service.
  token: () => TOKEN,
  device: 'example',
  // In a browser it is localStorage by itself.
  storage: {
    get: (key) => stored.get(key),
    set(key, value) {
      stored.set(key, value);
      // In place of the old file at once: whenever this program dies, one of the two is there, and whole.
      writeFileSync(`${CURSORS_FILE}.new`, JSON.stringify([...stored]));
      renameSync(`${CURSORS_FILE}.new`, CURSORS_FILE);
    },
  },
});

carillon.on('session', ({ user }) => console.log('connected as', user));
carillon.on('state', ({ status, reason }) => status === 'waiting' && console.log('not connected:', reason));
carillon.on('error', ({ code, message }) => console.log(code, message));
carillon.inbox.subscribe(() => console.log('unseen:', carillon.inbox.unseen));

process.once('SIGINT', () => carillon.close());

for await (const notification of carillon) {
  const { audience, offset, type, data, datacontenttype } = notification;
  const bytes = bytesOf(notification);
  console.log(
    audience,
    offset,
    type,
    bytes ? `${bytes.length} bytes of ${datacontenttype}` : (data.title ?? ''),
  );
}
