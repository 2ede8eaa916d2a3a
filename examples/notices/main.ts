/** The intranet's page: the personnel office's form, the people with their bells, and who got what. */
import '../support/story.css';
import './notices.css';
import { ask, find } from '../support/page.ts';
import { Board } from './board.ts';
import { audiences, nameOfAudience, people } from './people.ts';
import { Person } from './person.ts';

/** What somebody may want to say to them, until something else is typed. */
const EXAMPLES: Readonly<Record<string, string>> = {
  global: 'The network is down from 18:00 to 19:00',
  department: 'Team meeting at 14:00 in room 2',
  user: 'Your new badge is at the front desk',
};

const problem = find('#problem', HTMLElement);
const showProblem = (error: unknown) => {
  problem.textContent = error instanceof Error ? error.message : String(error);
};

const place = find('#people', HTMLElement);
const everybody: Person[] = [];
const board = new Board(everybody);
for (const member of people) {
  everybody.push(
    new Person(member, place, {
      onHeard: (person, notice, context) => board.heard(person, notice, context),
      onChange: () => board.show(),
      onProblem: showProblem,
    }),
  );
}
board.addColumns();
for (const person of everybody) person.goOnline().catch(showProblem);

const to = find('#to', HTMLSelectElement);
const title = find('#title', HTMLInputElement);
const examples = new Set(Object.values(EXAMPLES));
const suggest = () => {
  if (title.value === '' || examples.has(title.value))
    title.value = EXAMPLES[to.value.split(':')[0] ?? ''] ?? '';
};
to.append(...audiences.map((audience) => new Option(nameOfAudience(audience), audience)));
to.addEventListener('change', suggest);
suggest();

find('#office-form', HTMLFormElement).addEventListener('submit', async (event) => {
  event.preventDefault();
  const notice = { audience: to.value, data: { title: title.value } };
  const sentAtMs = Date.now();
  try {
    const { id } = await send(to.value, title.value);
    board.sent({ ...notice, id }, sentAtMs);
    problem.textContent = '';
  } catch (error) {
    showProblem(error);
  }
});

async function send(audience: string, text: string): Promise<{ readonly id: string }> {
  const answer = await ask('send', { to: audience, title: text });
  if (typeof answer !== 'object' || answer === null || !('id' in answer)) throw new Error('no id came back');
  return { id: String(answer.id) };
}
