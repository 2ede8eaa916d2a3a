/** The chat's page: who has no name yet is asked for one; then the room, with the last 50 messages and a field. */
import '../support/story.css';
import './chat.css';
import { find } from '../support/page.ts';
import { openRoom } from './room.ts';

const query = new URLSearchParams(location.search);
const [name, room] = [query.get('name'), query.get('room')];

if (name === null || room === null) ask();
else {
  await openRoom(name, room).catch((error) => {
    ask();
    find('#problem', HTMLElement).textContent = error.message;
  });
}

/** Sent as the query of this page. */
function ask(): void {
  const form = find('#enter', HTMLFormElement);
  const field = find('#enter [name=name]', HTMLInputElement);
  form.hidden = false;
  field.value = name ?? '';
  find('#enter [name=room]', HTMLInputElement).value = room ?? 'lobby';
  field.focus();
}
