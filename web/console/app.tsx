/**
 * The page: header, the area where one tries things out (three panes beside each other or as tabs) and the one for
 * operators, and in front of them the question for a token.
 */
import { go, place } from './address.ts';
import { nowMs } from './clock.ts';
import { DevicesPane } from './devices/devices-pane.tsx';
import { Gate, LoggedOut } from './gate.tsx';
import { Header } from './header.tsx';
import { LivePane } from './live/live-pane.tsx';
import { Operate } from './operate/operate.tsx';
import { Icon, type IconName } from './parts/icons.tsx';
import type { TryView } from './place.ts';
import { SendPane } from './send/send-pane.tsx';
import type { ConsoleSession } from './session.ts';
import { isNarrow } from './width.ts';
import { plural, secondsUntil } from './words.ts';

const PANES = [
  { name: 'send', title: 'Send', icon: 'send' },
  { name: 'devices', title: 'Devices', icon: 'devices' },
  { name: 'live', title: 'Live', icon: 'live' },
] as const satisfies readonly { name: TryView; title: string; icon: IconName }[];

interface SessionProps {
  readonly session: ConsoleSession;
}

export function App({ session }: SessionProps) {
  const entrance = session.entrance.value;
  const isKnown = session.about.value !== undefined;
  return (
    <div class="console">
      <Header session={session} />
      {entrance.status === 'locked' && <Gate session={session} isTrying={entrance.isTrying} />}
      {entrance.status === 'logged out' && <LoggedOut session={session} />}
      {isKnown ? <Areas session={session} /> : <Arrival session={session} />}
    </div>
  );
}

function Arrival({ session }: SessionProps) {
  const entrance = session.entrance.value;
  return (
    <main class="arrival">
      <div role="status">
        {entrance.status === 'unreachable' ? (
          <>
            <p class="arrival-title">The service cannot be reached</p>
            <p class="quiet">Next try in {secondsUntil(entrance.retryAt, nowMs.value)} s.</p>
          </>
        ) : (
          <p class="quiet">Connecting …</p>
        )}
      </div>
    </main>
  );
}

function Areas({ session }: SessionProps) {
  const { area, view, params } = place.value;
  const isLocked = session.entrance.value.status !== 'open';
  return (
    <>
      <Panes session={session} current={area === 'try' ? view : undefined} isLocked={isLocked} />
      {area === 'operate' && <Operate session={session} view={view} params={params} isLocked={isLocked} />}
    </>
  );
}

interface PanesProps extends SessionProps {
  /** Of the tabs; undefined while the other area is shown. What was typed stays. */
  readonly current: TryView | undefined;
  readonly isLocked: boolean;
}

function Panes({ session, current, isLocked }: PanesProps) {
  const show = (name: TryView) => {
    go(name);
    scrollTo(0, 0);
  };
  const propsOf = (name: TryView) => ({
    id: `pane-${name}`,
    class: `pane pane-${name}`,
    ...(isNarrow.value
      ? { role: 'tabpanel' as const, 'aria-labelledby': `tab-${name}`, hidden: current !== name }
      : { 'aria-labelledby': `title-${name}` }),
  });
  return (
    <>
      <main class="panes" hidden={current === undefined} inert={isLocked}>
        <section {...propsOf('send')}>
          <SendPane session={session} onShowDevices={() => show('devices')} />
        </section>
        <section {...propsOf('devices')}>
          <DevicesPane session={session} />
        </section>
        <section {...propsOf('live')}>
          <LivePane live={session.live} />
        </section>
      </main>
      {isNarrow.value && current !== undefined && (
        <Tabs current={current} unseen={session.devices.unseen.value} onChoose={show} isLocked={isLocked} />
      )}
    </>
  );
}

interface TabsProps {
  readonly current: TryView;
  readonly unseen: number;
  readonly isLocked: boolean;
  readonly onChoose: (name: TryView) => void;
}

function Tabs({ current, unseen, isLocked, onChoose }: TabsProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: PANES.length - 1 }[event.key];
    if (step === undefined) return;
    const at = PANES.findIndex(({ name }) => name === current);
    const next = PANES[(at + step) % PANES.length];
    if (next === undefined) return;
    event.preventDefault();
    onChoose(next.name);
    document.getElementById(`tab-${next.name}`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Panes" tabIndex={-1} onKeyDown={onKeyDown} inert={isLocked}>
      {PANES.map(({ name, title, icon }) => (
        <button
          key={name}
          type="button"
          role="tab"
          id={`tab-${name}`}
          aria-controls={`pane-${name}`}
          aria-selected={current === name}
          tabIndex={current === name ? 0 : -1}
          onClick={() => onChoose(name)}
        >
          <Icon name={icon} size={22} />
          {title}
          {name === 'devices' && unseen > 0 && (
            <span class="badge">
              {unseen}
              <span class="unheard"> {plural(unseen, 'notification').replace(/^\S+/, '')} unseen</span>
            </span>
          )}
        </button>
      ))}
    </div>
  );
}
