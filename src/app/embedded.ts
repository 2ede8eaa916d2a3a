/** Embedded mode: the whole service in one process. It keeps everything in memory and serves this machine only. */
import type { Audience } from '../contract/audience.ts';
import { readStructured } from '../contract/cloudevent.ts';
import { type ClientSignal, NO_SIGNALS, type SignalName, type Signals } from '../contract/signal.ts';
import { MemoryLive } from '../edge/gateway/memory-live-messages.ts';
import { serveDemo } from '../edge/http/demo.ts';
import { serveDemoSignals } from '../edge/http/demo-signals.ts';
import { loopbackOnly, refuseOtherHosts } from '../edge/http/loopback-only.ts';
import { MemoryActivity } from '../observe/activity/memory-activity.ts';
import { MemoryOutcomes } from '../observe/outcomes/memory-outcomes.ts';
import { MemoryAdminCommandLog } from '../operate/access/memory-admin-command-log.ts';
import { MemoryDepartments } from '../operate/access/memory-departments.ts';
import { deadLetterOf, MemoryDeadLetterStore } from '../operate/dead-letters/memory-dead-letter-store.ts';
import { namesOf } from '../operate/dead-letters/stored-dead-letter.ts';
import { MemoryPersonalRecords } from '../operate/personal-data/memory-personal-records.ts';
import { MemoryPresence } from '../operate/presence/memory-presence.ts';
import { NodesDirectory } from '../operate/presence/nodes-directory.ts';
import { Listeners } from '../operate/signals/listeners.ts';
import { MemorySignals } from '../operate/signals/memory-signals.ts';
import { MemoryMarksStore } from '../pipeline/inbox/marks-store.ts';
import { MemoryInbox } from '../pipeline/inbox/memory-inbox.ts';
import { EmbeddedQueue } from '../pipeline/ingest/embedded-queue.ts';
import { LocalUnreachedMemory } from '../reach/local-unreached-memory.ts';
import { MemoryUnreached } from '../reach/memory-unreached.ts';
import { createReachCheck } from '../reach/reach-check.ts';
import type { Backends, Exposure } from './backends.ts';
import type { Context } from './context.ts';
import type { Delivery, Queue } from './queue.ts';
import { NO_SHARED_COUNTS } from './shared-limits.ts';
import { inboxLimits, openUserInbox, type Store, unreachedKept } from './store.ts';

export function openEmbedded(context: Context): Backends {
  const listeners = new Listeners();
  const signals = openSignals(context, listeners);
  const store = openStore(context, signals);
  const unreached = openUnreached(context, store, listeners);
  return {
    store,
    signals,
    schedule: unreached?.schedule,
    messagingSystem: 'carillon',
    exposure: onLoopback(context, listeners),
    places: { mode: 'embedded' },
    appendProbes: () => ({}),
    openQueue: async (delivery) => openQueue(context, delivery, unreached),
  };
}

function openSignals({ node, config, metrics }: Context, listeners: Listeners): Signals {
  const wanted: readonly ClientSignal[] = config.SIGNALS;
  if (wanted.length === 0) return NO_SIGNALS;
  return new MemorySignals({
    node,
    wanted,
    listeners,
    onSignal: (name, outcome) => metrics.signal(name, outcome),
  });
}

function openStore({ node, config, closers }: Context, signals: Signals): Store {
  const now = Date.now;
  const live = new MemoryLive();
  const publish = (audience: Audience, message: Buffer) => live.publish(audience, message);
  const inbox = new MemoryInbox({ limits: inboxLimits(config), publish, now });
  const marks = new MemoryMarksStore(publish);
  const kept = unreachedKept(config);
  const unreachedMemory = kept === undefined ? undefined : new LocalUnreachedMemory(kept, now);
  const presence = new MemoryPresence();
  const departments = new MemoryDepartments();
  const activity = new MemoryActivity({ node, now });
  closers.add('the activity', () => activity.close());
  return {
    inbox,
    userInbox: openUserInbox(config, signals, { inbox, recent: undefined, marks, unreachedMemory, now }),
    recent: undefined,
    marks,
    unreachedMemory,
    live,
    outcomes: new MemoryOutcomes(config.TRAIL_SECONDS * 1000, now),
    activity,
    presence,
    directory: new NodesDirectory(presence, inbox),
    departments,
    records: new MemoryPersonalRecords({ inbox, marks, departments, unreachedMemory }),
    adminCommandLog: new MemoryAdminCommandLog(),
    sharedCounts: NO_SHARED_COUNTS,
    probes: {},
    isReachable: () => true,
    now,
    knowsTime: async () => {},
  };
}

function openUnreached(
  { config, log, metrics, closers }: Context,
  { inbox, marks, directory, unreachedMemory: memory, now }: Store,
  listeners: Listeners,
): MemoryUnreached | undefined {
  if (memory === undefined) return undefined;
  const afterMs = config.UNREACHED_AFTER * 1000;
  const reachCheck = createReachCheck({ inbox, marks, directory, memory, afterMs, now });
  const onSignal = (name: SignalName, outcome: 'published' | 'unrouted') => metrics.signal(name, outcome);
  const unreached = new MemoryUnreached({ reachCheck, memory, listeners, afterMs, after, log, onSignal });
  closers.add('the checks of unreached notifications', () => unreached.stop());
  return unreached;
}

function after(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}

function openQueue({ log }: Context, delivery: Delivery, unreached: MemoryUnreached | undefined): Queue {
  const queue = new EmbeddedQueue({
    ...delivery,
    onDeadLetter: (event, refusal) => {
      const { code, message: detail, path } = refusal;
      deadLetterStore.add(event, refusal);
      log.warn({ code, detail, path, ...namesOf(deadLetterOf(event)) }, 'event becomes a dead letter');
    },
    onFault: (event, fault) =>
      log.error({ ...fault, ...namesOf(deadLetterOf(event)) }, 'the service failed on an event'),
  });
  const deadLetterStore = new MemoryDeadLetterStore(async ({ content }) => {
    const read = readStructured(content);
    if (read.ok) await queue.publish(read.value.event);
  });
  return {
    deadLetterStore,
    partitions: undefined,
    waiting: async () => ({ events: 0, consumers: 1, partitions: [] }),
    dead: async () => deadLetterStore.size,
    look: undefined,
    publish: ({ event }) => queue.publish(event),
    // SOURCES_FILE is refused.
    useSources: async () => {},
    probes: {},
    drain: async () => {
      unreached?.stop();
      await Promise.all([queue.drain(), unreached?.drain()]);
    },
  };
}

/** No token is needed, so pages and machines of others are refused. */
function onLoopback({ config }: Context, listeners: Listeners): Exposure {
  return {
    mode: 'embedded',
    refusalOf: loopbackOnly(config.ALLOWED_ORIGINS),
    servesClient: true,
    console: { port: 'public', pagePath: '/', needsToken: false },
    serveDemo: (app, sign, closing) => {
      if (sign !== undefined) serveDemo(app, sign);
      serveDemoSignals(app, { listen: (listener) => listeners.listen(listener), closing });
    },
    guard: (server) => refuseOtherHosts(server),
  };
}
