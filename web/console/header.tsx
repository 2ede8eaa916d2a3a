/** The slim header: whose console this is, its areas, the way of an event with what has passed each station, the theme. */
import { place } from './address.ts';
import { Icon } from './parts/icons.tsx';
import { hashOf } from './place.ts';
import type { ConsoleSession } from './session.ts';
import { currentTheme, toggleTheme } from './theme.ts';
import { countOf } from './words.ts';

const STATIONS = [
  { name: 'received', title: 'Received', about: 'taken from the queue' },
  { name: 'mapped', title: 'Mapped', about: 'audiences found' },
  { name: 'appended', title: 'Appended', about: 'written to an inbox' },
  { name: 'delivered', title: 'Delivered', about: 'written to sockets' },
] as const;

export function Header({ session }: { readonly session: ConsoleSession }) {
  const about = session.about.value;
  const theme = currentTheme();
  return (
    <header class="header">
      <h1 class="brand">
        <Icon name="bell" size={26} />
        Carillon
      </h1>
      {about !== undefined && (
        <p class="about" title={about.node === '' ? undefined : `Node ${about.node}`}>
          {about.mode === 'embedded' ? 'embedded' : 'real'}
          <span class="quiet"> {about.version}</span>
        </p>
      )}
      <Areas />
      {place.value.area === 'try' && <Way session={session} />}
      <nav class="header-end" aria-label="Page">
        {session.user.value !== undefined && (
          <span class="quiet who" title="What you do here is recorded under this name">
            {session.user.value}
          </span>
        )}
        <a class="quiet-link" href="/docs">
          API
        </a>
        <button
          type="button"
          class="icon-button"
          aria-label={theme === 'dark' ? 'Use the light theme' : 'Use the dark theme'}
          onClick={toggleTheme}
        >
          <Icon name={theme === 'dark' ? 'sun' : 'moon'} />
        </button>
      </nav>
    </header>
  );
}

const AREAS = [
  { name: 'try', title: 'Try', first: 'send' },
  { name: 'operate', title: 'Operate', first: 'dead-letters' },
] as const;

function Areas() {
  const { area } = place.value;
  return (
    <nav class="areas" aria-label="Areas">
      {AREAS.map(({ name, title, first }) => (
        <a key={name} href={hashOf(first)} aria-current={name === area ? 'true' : undefined}>
          {title}
        </a>
      ))}
    </nav>
  );
}

function Way({ session }: { readonly session: ConsoleSession }) {
  const totals = session.live.totals.value;
  const isSeen = session.live.stream.state.value.status === 'connected';
  const shown = (count: number) => (isSeen || count > 0 ? countOf(count) : '–');
  return (
    <ol class="way" aria-label="The way of an event, and how many have come since this page was opened">
      {STATIONS.map(({ name, title, about }) => (
        <li key={name} title={about} data-reached={totals[name] > 0}>
          {/* A new element each time, so that the pulse begins anew. */}
          <span class="way-mark" key={totals[name]} aria-hidden="true" />
          <span class="way-name">{title}</span> <b data-total={name}>{shown(totals[name])}</b>
        </li>
      ))}
      {totals.dead > 0 && (
        <li class="way-dead" title="kept with the reason why they could not be delivered">
          <span class="way-mark" key={totals.dead} aria-hidden="true" />
          <span class="way-name">Dead</span> <b data-total="dead">{countOf(totals.dead)}</b>
        </li>
      )}
    </ol>
  );
}
