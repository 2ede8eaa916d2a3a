/** The area for operators: four views, of which one is shown, and why there are none in embedded mode. */
import { DeadLettersView } from '../dead-letters/dead-letters-view.tsx';
import { ExplainView } from '../explain/explain-view.tsx';
import { Icon, type IconName } from '../parts/icons.tsx';
import { hashOf, OPERATE_VIEWS, type OperateView, type Params } from '../place.ts';
import { QueuesView } from '../queues/queues-view.tsx';
import type { ConsoleSession } from '../session.ts';
import { UsersView } from '../users/users-view.tsx';
import { countOf } from '../words.ts';

const VIEWS: Readonly<Record<OperateView, { readonly title: string; readonly icon: IconName }>> = {
  'dead-letters': { title: 'Dead letters', icon: 'archive' },
  explain: { title: 'Explain', icon: 'question' },
  users: { title: 'Users', icon: 'user' },
  queues: { title: 'Queues', icon: 'queue' },
};

interface OperateProps {
  readonly session: ConsoleSession;
  readonly view: OperateView;
  readonly params: Params;
  readonly isLocked: boolean;
}

export function Operate({ session, view, params, isLocked }: OperateProps) {
  return (
    <div class="operate-area">
      <nav class="operate-nav" aria-label="Views" inert={isLocked}>
        {OPERATE_VIEWS.map((name) => (
          <a key={name} href={hashOf(name)} aria-current={name === view ? 'page' : undefined}>
            <Icon name={VIEWS[name].icon} size={18} />
            {VIEWS[name].title}
            {name === 'dead-letters' && <DeadBadge count={session.live.deadCount.value} />}
          </a>
        ))}
      </nav>
      <main class="operate" inert={isLocked}>
        {session.about.value?.mode === 'embedded' ? (
          <Embedded view={view} />
        ) : (
          <View key={view} session={session} view={view} params={params} />
        )}
      </main>
    </div>
  );
}

function DeadBadge({ count }: { readonly count: number | undefined }) {
  if (count === undefined || count === 0) return null;
  return <span class="badge">{countOf(count)}</span>;
}

function View({ session, view, params }: Omit<OperateProps, 'isLocked'>) {
  switch (view) {
    case 'dead-letters':
      return <DeadLettersView session={session} params={params} />;
    case 'explain':
      return <ExplainView session={session} params={params} />;
    case 'users':
      return <UsersView session={session} params={params} />;
    case 'queues':
      return <QueuesView session={session} />;
  }
}

/** What answers in embedded mode, from a terminal on the same machine. None: there is nothing to answer. */
const COMMANDS: Readonly<Record<OperateView, string | undefined>> = {
  'dead-letters': 'node dist/cli/main.js dead-letters list',
  explain: 'node dist/cli/main.js explain <event> <user>',
  users: `curl "http://localhost:3001/admin/users/sessions?user=ada" \\
  -H "Authorization: Bearer $(node dist/cli/main.js token operator --scope admin:read)"`,
  queues: undefined,
};

/** Without a token nobody may ask `/admin`, and this page of a try-out asks for none. */
function Embedded({ view }: { readonly view: OperateView }) {
  const command = COMMANDS[view];
  return (
    <section class="view" aria-labelledby="title-embedded">
      <div class="pane-head">
        <h2 id="title-embedded">{VIEWS[view].title}</h2>
      </div>
      <p class="lead">
        Not here: in embedded mode this page asks without a token, and operating needs one. It works with
        <code> CONSOLE=true</code> beside RabbitMQ and Redis, at <code>/console/</code> on OPS_PORT.
      </p>
      {command === undefined ? (
        <p class="quiet">Embedded mode has no queues: events go straight into the inboxes in memory.</p>
      ) : (
        <>
          <p class="quiet">From a terminal on this machine it works in embedded mode too:</p>
          <pre class="command">{command}</pre>
        </>
      )}
      <p class="quiet">What becomes of events while this page is open is shown under Try, in Live.</p>
    </section>
  );
}
