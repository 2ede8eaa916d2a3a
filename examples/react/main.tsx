/** The page: the inbox of whoever is chosen, and the news of a topic. */
import '../support/story.css';
import { type Notification, textsOf } from 'carillon-client';
import { type Carillon, useCarillon, useTopic } from 'carillon-client/react';
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { ask, login } from '../support/page.ts';

const { url } = await login('ada');

function App() {
  const [user, setUser] = useState('ada');
  return (
    <>
      <header>
        <h1>React</h1>
        <p>An inbox and a topic, by two hooks.</p>
      </header>
      <main>
        <p className="row">
          {['ada', 'grace'].map((name) => (
            <button
              key={name}
              type="button"
              className="plain"
              aria-pressed={name === user}
              onClick={() => setUser(name)}
            >
              {name}
            </button>
          ))}
          <button type="button" onClick={() => ask('order', user)}>
            Ship an order of {user}
          </button>
        </p>
        <br />
        {/* Another user is another component, with a connection of its own. */}
        <Notifications key={user} user={user} />
      </main>
    </>
  );
}

function Notifications({ user }: { readonly user: string }) {
  const carillon = useCarillon({ url, getToken: async () => (await login(user)).token });
  return (
    <>
      <Inbox {...carillon} />
      <News {...carillon} />
    </>
  );
}

function Inbox({
  notifications,
  unread,
  state,
  hasMore,
  loadMore,
  markRead,
  markUnread,
  markArchived,
}: Carillon) {
  return (
    <section className="card" aria-label="Inbox">
      <h2>
        Inbox, {unread} unread <small data-state={state.status}>{state.status}</small>
      </h2>
      <ul className="rows">
        {notifications.map((item) => (
          <li key={`${item.source} ${item.id}`} className="row" style={{ alignItems: 'center' }}>
            <span style={{ flex: 1, fontWeight: item.read ? 400 : 650 }}>{textsOf(item).title}</span>
            <button
              type="button"
              className="plain"
              onClick={() => (item.read ? markUnread([item]) : markRead([item]))}
            >
              {item.read ? 'Unread' : 'Read'}
            </button>
            <button type="button" className="plain" onClick={() => markArchived([item])}>
              Archive
            </button>
          </li>
        ))}
      </ul>
      {notifications.length === 0 && <p className="quiet">Nothing here yet.</p>}
      {hasMore && (
        <button type="button" className="plain" onClick={() => loadMore()}>
          Older
        </button>
      )}
    </section>
  );
}

function News({ client }: Carillon) {
  const [news, setNews] = useState<readonly Notification[]>([]);
  useTopic(client, 'news.building', (told) => setNews((before) => [told, ...before].slice(0, 5)));
  return (
    <section className="card" aria-label="News">
      <h2>News of the building</h2>
      <ul className="rows">
        {news.map(({ source, id, data }) => (
          <li key={`${source} ${id}`}>{String(data?.title)}</li>
        ))}
      </ul>
      {news.length === 0 && <p className="quiet">Soon.</p>}
    </section>
  );
}

createRoot(document.body).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
