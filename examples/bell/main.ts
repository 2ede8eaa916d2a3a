/** The page: gives each bell its user, sends what the form says, and changes how the bells look and speak. */
import '../support/story.css';
import './bell.css';
import { CarillonBell, type Words } from 'carillon-client/bell';
import { ask, find, login } from '../support/page.ts';

const fr: Words = {
  notifications: 'Notifications',
  unseen: (count, shown) =>
    count === 0 ? 'Notifications, rien de nouveau' : `Notifications, nouvelles : ${shown}`,
  arrived: (shown) => `${shown} nouvelles notifications`,
  unread: 'Non lue',
  severity: { info: 'Information', success: 'Succès', warning: 'Attention', critical: 'Urgent' },
  empty: 'Rien pour le moment',
  loadMore: 'Voir les plus anciennes',
  markAllRead: 'Tout marquer comme lu',
  archive: (title) => `Archiver : ${title}`,
  dismiss: (title) => `Fermer : ${title}`,
  waiting: (seconds) => `Pas de connexion. Nouvel essai dans ${seconds} s`,
  connecting: 'Connexion …',
  closed: 'Déconnecté',
};
CarillonBell.languages.set('fr', fr);

for (const bell of document.querySelectorAll('carillon-bell')) {
  const user = bell.dataset.user ?? '';
  const log = find(`[data-log=${user}]`, HTMLElement);
  bell.addEventListener('carillon-notification', ({ detail }) => {
    log.textContent = `${detail.type} for ${detail.audience}`;
  });
  // As an app with a router would: the page stays.
  bell.addEventListener('carillon-open', (event) => {
    event.preventDefault();
    log.textContent = `Opened ${event.detail.href}`;
  });
  bell.getToken = async () => (await login(user)).token;
  bell.url = (await login(user)).url;
}

const send = find('.send', HTMLFormElement);
const problem = find('.problem', HTMLElement);
send.addEventListener('submit', async (submission) => {
  submission.preventDefault();
  try {
    await ask('send', Object.fromEntries(new FormData(send)));
    problem.hidden = true;
  } catch (error) {
    problem.textContent = String(error);
    problem.hidden = false;
  }
});

const looks = find('.looks', HTMLFormElement);
looks.addEventListener('input', () => {
  const chosen = new FormData(looks);
  const { dataset } = document.documentElement;
  // The bells speak the language of the nearest element that has one: here of their apps.
  for (const app of document.querySelectorAll('.app')) {
    app.setAttribute('lang', String(chosen.get('language')));
  }
  dataset.scheme = String(chosen.get('scheme'));
  dataset.theme = String(chosen.get('theme'));
});
