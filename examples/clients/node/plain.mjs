/**
 * A client in Node with nothing but socket.io-client: tells what it missed, then what comes, and keeps in a file how far
 * it was told.
 *
 *   TOKEN=… node plain.mjs
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { io } from 'socket.io-client';

const { CARILLON_URL = 'http://localhost:3000', CURSORS_FILE = 'cursors.json', TOKEN } = process.env;
const cursors = existsSync(CURSORS_FILE) ? JSON.parse(readFileSync(CURSORS_FILE, 'utf8')) : {};
let retryMs = 1_000;

// The library's own reconnection stays off: it does not come back when the server has closed. `auth` is a function, so
// that each connection presents the newest cursors; an app asks its login service for a fresh token there.
const socket = io(CARILLON_URL, {
  transports: ['websocket'],
  reconnection: false,
  auth: (present) => present({ token: TOKEN, cursors }),
});

function moveTo(audience, epoch, offset) {
  cursors[audience] = { epoch, offset };
  // In place of the old file at once: whenever this program dies, one of the two is there, and whole.
  writeFileSync(`${CURSORS_FILE}.new`, JSON.stringify(cursors));
  renameSync(`${CURSORS_FILE}.new`, CURSORS_FILE);
}

function tell({ audience, epoch, offset, type, data }) {
  if (offset <= (cursors[audience]?.offset ?? 0)) return;
  console.log(audience, offset, type, data?.title ?? '');
  moveTo(audience, epoch, offset);
}

function comeBack() {
  setTimeout(() => socket.connect(), retryMs + Math.random() * 1_000);
  retryMs = Math.min(Math.max(retryMs, 1_000) * 2, 60_000);
}

socket.on('session', ({ user, audiences, missed = {} }) => {
  console.log('connected as', user);
  retryMs = 1_000;
  for (const [audience, { epoch, head }] of Object.entries(audiences)) {
    const { recovered = true, notifications = [] } = missed[audience] ?? {};
    for (const notification of notifications) tell(notification);
    if (!recovered) console.log(audience, 'may have lost something: read the inbox');
    moveTo(audience, epoch, head);
  }
});
socket.on('notification', tell);
socket.on('resync', ({ audiences }) => {
  for (const [audience, { epoch, head }] of Object.entries(audiences)) {
    console.log(audience, 'began anew: read the inbox');
    moveTo(audience, epoch, head);
  }
});
socket.on('goaway', ({ code, reconnect, retryAfterMs }) => {
  console.log('sent away:', code);
  if (!reconnect) process.exit(1);
  retryMs = retryAfterMs;
});
socket.on('disconnect', comeBack);
socket.on('connect_error', (error) => {
  console.log('not connected:', error.data?.code ?? error.message);
  comeBack();
});
