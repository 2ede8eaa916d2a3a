/**
 * The demo page: a form that publishes events over HTTP, and devices that ring over Socket.IO.
 *
 * What comes from the service is shown with textContent only. Everything is on this page's own host.
 */
import { io } from '/socket.io/socket.io.esm.min.js';

const MAX_SHOWN = 100;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 15_000;
const ANSWER_TIMEOUT_MS = 5_000;
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const UNREACHABLE = { detail: 'The service cannot be reached; what was typed is kept.' };

/** Why a connection ended, where the service did not say it itself. */
const NO_ANSWER = { code: 'no answer', reconnect: true };
const CONNECTION_LOST = { code: 'connection lost', reconnect: true };

/** Rejects with a `problem` (RFC 9457) when the service refuses. */
async function request(path, init) {
  const response = await fetch(path, init);
  const body = await response.json();
  if (!response.ok) throw Object.assign(new Error(body.detail), { problem: body });
  return body;
}

async function freshToken(user, departments, signal) {
  const { token } = await request(`/demo/token?${new URLSearchParams({ user, departments })}`, { signal });
  return token;
}

function onSubmit(form, act) {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    act();
  });
}

function copyOf(templateId) {
  return document.getElementById(templateId).content.firstElementChild.cloneNode(true);
}

class SendForm {
  #form;
  #kind = 'user';
  /** What was typed for each kind of audience, so that changing the kind loses nothing. */
  #ids = { user: 'ada', department: 'support', topic: 'ticker.btc-usd', global: '' };

  constructor(form) {
    this.#form = form;
    form.elements.id.value = this.#ids[this.#kind];
    form.elements.kind.addEventListener('change', () => this.#changeKind());
    onSubmit(form, () => this.#send());
  }

  #changeKind() {
    const { kind, id } = this.#form.elements;
    this.#ids[this.#kind] = id.value;
    this.#kind = kind.value;
    id.value = this.#ids[kind.value];
    this.#part('audience-id').hidden = kind.value === 'global';
    this.#showFault('', '');
  }

  async #send() {
    const event = this.#event();
    this.#showFault('', '');
    this.#showResult('sending', 'Sending …');
    this.#part('sent').hidden = false;
    this.#part('sent-event').textContent = JSON.stringify(event, null, 2);
    try {
      const token = await freshToken('demo', '');
      await request('/v1/events', {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/cloudevents+json' },
        body: JSON.stringify(event),
      });
      this.#showResult('accepted', `Accepted for ${event.audience[0]}.`);
    } catch (error) {
      const { title, detail, path = '' } = error.problem ?? UNREACHABLE;
      const words = path === '' ? detail : `${path}: ${detail}`;
      this.#showResult('refused', `Not accepted. ${this.#showFault(path, words) ? title : words}`);
    }
  }

  #event() {
    const { kind, id, title, body, severity } = this.#form.elements;
    return {
      specversion: '1.0',
      id: crypto.randomUUID(),
      source: '/demo',
      type: 'demo.notice',
      time: new Date().toISOString(),
      // An array: a string would be split at the commas that somebody may type.
      audience: [kind.value === 'global' ? 'global' : `${kind.value}:${id.value}`],
      severity: severity.value,
      data: { title: title.value, body: body.value },
    };
  }

  /** Says at the field what is wrong with the audience; false when the problem is with something else. */
  #showFault(path, words) {
    const { id } = this.#form.elements;
    const isHere = path.startsWith('audience');
    id.setAttribute('aria-invalid', String(isHere));
    this.#part('problem').textContent = isHere ? words : '';
    if (isHere) id.focus();
    return isHere;
  }

  #showResult(outcome, words) {
    const result = this.#part('result');
    result.dataset.result = outcome;
    result.textContent = words;
  }

  #part(name) {
    return this.#form.querySelector(`[data-${name}]`);
  }
}

/** One device of one user. It connects again by itself, each time with a fresh token. */
class Device {
  #root = copyOf('device-template');
  #identity = this.#part('identity').elements;
  #user = '';
  #audiences = new Set();
  #topics = new Set();
  #failures = 0;
  #socket;
  /** Aborted to end whatever is under way: an attempt, a wait or a connection. */
  #ending = new AbortController();

  constructor(user, departments) {
    this.#identity.user.value = user;
    this.#identity.departments.value = departments;
    onSubmit(this.#part('identity'), () => this.connect());
    onSubmit(this.#part('topic'), () => this.#subscribe(this.#part('topic').elements.topic.value));
    this.#part('clear').addEventListener('click', () => this.#clear());
    this.#part('bell').addEventListener('animationend', () => delete this.#part('bell').dataset.ringing);
    this.#clear();
    document.querySelector('[data-devices]').append(this.#root);
  }

  async connect() {
    this.#ending.abort();
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    const departments = this.#identity.departments.value.replace(/\s/g, '');
    this.#showConnection('connecting', 'connecting …');
    try {
      const token = await freshToken(this.#identity.user.value, departments, signal);
      this.#open(token, signal);
    } catch (error) {
      const isFinal = error.problem?.status < 500;
      this.#lose(signal, isFinal ? { code: error.message, reconnect: false } : NO_ANSWER);
    }
  }

  /** A socket for one connection. The page waits by itself between them, so that it can say how long. */
  #open(token, signal) {
    const socket = io({ auth: { token }, forceNew: true, reconnection: false });
    let farewell = CONNECTION_LOST;
    signal.addEventListener('abort', () => socket.disconnect());
    socket.on('session', (session) => this.#begin(socket, session));
    socket.on('notification', (notification) => this.#ring(notification));
    socket.on('resync', ({ audiences }) => {
      this.#part('note').textContent = `Began anew: ${Object.keys(audiences).join(', ')}.`;
    });
    socket.on('goaway', (goaway) => {
      farewell = goaway;
    });
    socket.on('disconnect', () => this.#lose(signal, farewell));
    socket.on('connect_error', ({ data }) => {
      const isFinal = data?.code !== undefined && data.code !== 'unavailable';
      this.#lose(signal, isFinal ? { code: data.code, reconnect: false } : NO_ANSWER);
    });
  }

  /** The rooms of the session are in force: what is published from now on rings here. */
  #begin(socket, { user, audiences }) {
    this.#socket = socket;
    this.#failures = 0;
    if (user !== this.#user) this.#part('list').replaceChildren();
    this.#user = user;
    this.#part('name').textContent = user;
    this.#root.setAttribute('aria-label', `Device of ${user}`);
    this.#showUnseen();
    this.#showAudiences(Object.keys(audiences));
    for (const topic of this.#topics) this.#subscribe(topic);
    this.#showConnection('connected', 'connected');
  }

  #lose(signal, { code, reconnect, retryAfterMs }) {
    if (signal.aborted) return;
    if (reconnect) this.#wait(signal, retryAfterMs ?? this.#nextRetryMs(), code);
    else this.#showConnection('refused', `refused: ${code}`);
  }

  #wait(signal, delayMs, why) {
    const end = Date.now() + delayMs;
    let timer;
    signal.addEventListener('abort', () => clearTimeout(timer));
    const count = () => {
      const leftMs = end - Date.now();
      if (leftMs <= 0) return void this.connect();
      this.#showConnection('waiting', `connecting again in ${Math.ceil(leftMs / 1_000)} s (${why})`);
      timer = setTimeout(count, leftMs % 1_000 || 1_000);
    };
    count();
  }

  /** Doubles with each failure. The random part keeps many devices from coming back together. */
  #nextRetryMs() {
    const delayMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, MAX_RETRY_MS);
    this.#failures += 1;
    return delayMs * (0.75 + Math.random() / 4);
  }

  #subscribe(topic) {
    const note = this.#part('note');
    if (!this.#socket?.connected) {
      note.textContent = 'Not subscribed: this device is not connected.';
      return;
    }
    this.#socket.timeout(ANSWER_TIMEOUT_MS).emit('subscribe', { topic }, (failure, answer) => {
      const fault = failure ?? answer.error;
      note.textContent = fault ? `Not subscribed: ${fault.message}` : '';
      if (fault) return;
      this.#topics.add(topic);
      this.#showAudiences([...this.#audiences, answer.audience]);
    });
  }

  #ring({ type, time, audience, severity, collapsekey, data }) {
    const list = this.#part('list');
    const entry = copyOf('notification-template');
    const title = textOf(data.title) || type;
    const texts = { word: severity, audience, title, body: textOf(data.body) };
    for (const name in texts) entry.querySelector(`[data-${name}]`).textContent = texts[name];
    const clock = entry.querySelector('time');
    clock.dateTime = time;
    clock.textContent = TIME.format(new Date(time));
    entry.dataset.severity = severity;
    entry.dataset.unseen = '';
    if (collapsekey !== undefined) {
      // Of the notifications with one key only the newest is shown.
      list.querySelector(`[data-key="${CSS.escape(collapsekey)}"]`)?.remove();
      entry.dataset.key = collapsekey;
    }
    list.prepend(entry);
    list.children[MAX_SHOWN]?.remove();
    this.#showUnseen();
    this.#part('bell').dataset.ringing = '';
    this.#part('announcer').textContent = `New for ${this.#user}, ${severity}: ${title}`;
  }

  #clear() {
    for (const entry of this.#part('list').children) delete entry.dataset.unseen;
    this.#showUnseen();
  }

  #showUnseen() {
    const count = this.#part('list').querySelectorAll('[data-unseen]').length;
    this.#part('badge').textContent = count < MAX_SHOWN ? count : `${MAX_SHOWN - 1}+`;
    this.#part('badge').hidden = count === 0;
    this.#part('bell').setAttribute('aria-label', `${count} unseen`);
  }

  #showConnection(state, words) {
    this.#part('connection').dataset.connection = state;
    this.#part('connection').textContent = words;
  }

  #showAudiences(audiences) {
    this.#audiences = new Set(audiences);
    const chips = Array.from(this.#audiences, (audience) => {
      const chip = document.createElement('li');
      chip.textContent = audience;
      return chip;
    });
    this.#part('audiences').replaceChildren(...chips);
  }

  #part(name) {
    return this.#root.querySelector(`[data-${name}]`);
  }
}

/** `data` is any JSON object, so that a title need not be a string. */
function textOf(value) {
  return typeof value === 'string' ? value : '';
}

new SendForm(document.querySelector('[data-send]'));
new Device('ada', 'sales').connect();
new Device('grace', 'support').connect();
