/** A room: what comes, and what is typed, which is kept until it can be sent. */
import { connectAs, find, NO_STORAGE, showState } from '../support/page.ts';
import { Log } from './log.ts';

export async function openRoom(name: string, room: string): Promise<void> {
  const topic = `chat.${room}`;
  const carillon = await connectAs(name, { storage: NO_STORAGE });
  const log = new Log(find('#log', HTMLElement), find('#log ol', HTMLElement), name);
  const form = find('#send', HTMLFormElement);
  const field = find('#send input', HTMLInputElement);
  const note = find('#note', HTMLElement);
  const draftKey = `draft ${name} ${room}`;

  const tell = (text: string, isBad = false) => {
    note.textContent = text;
    note.toggleAttribute('data-bad', isBad);
  };
  const setText = (text: string) => {
    field.value = text;
    sessionStorage.setItem(draftKey, text);
  };

  find('#who', HTMLElement).textContent = `You are ${name}, in the room ${room}.`;
  find('#room', HTMLElement).hidden = false;
  showState(carillon, find('#state', HTMLElement));
  setText(sessionStorage.getItem(draftKey) ?? '');
  field.addEventListener('input', () => setText(field.value));
  field.focus();

  carillon.on('notification', (notification) => {
    if (notification.audience === `topic:${topic}`) log.add(notification);
  });
  carillon.on('resync', () =>
    tell('Some messages may be missing: the service has lost a part of the log.', true),
  );
  carillon.on('state', ({ status }) => tell(status === 'connected' ? '' : OFFLINE, status === 'waiting'));
  carillon
    .subscribe(topic, { last: 50 })
    .catch((error) => tell(`You cannot be in this room: ${error.message}`, true));

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    field.focus();
    const body = field.value.trim();
    if (body === '') return;
    if (carillon.state.status !== 'connected') {
      tell(OFFLINE, true);
      return;
    }
    const id = crypto.randomUUID();
    setText('');
    tell('');
    log.expect(id, body);
    try {
      // Should the connection break meanwhile, it is sent again with the same id, and said once.
      await carillon.publish(topic, { type: 'chat.message', data: { body }, id });
    } catch (error) {
      log.dismiss(id);
      if (field.value === '') setText(body);
      tell(`Not sent: ${error instanceof Error ? error.message : error}`, true);
    }
  });
}

const OFFLINE = 'Not connected. What you type stays here, and can be sent when the connection is back.';
