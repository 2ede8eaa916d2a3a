/** The client library's work on the messages of a scripted link: everything except the connection. */
import { Announcer } from '../../src/clients/client/announcer.ts';
import type { Environment } from '../../src/clients/client/environment.ts';
import { InboxStore } from '../../src/clients/client/inbox-store.ts';
import { presentable, recover } from '../../src/clients/client/recovery.ts';
import { Requests } from '../../src/clients/client/requests.ts';
import { User } from '../../src/clients/client/user.ts';
import { marksSchema } from '../../src/contract/inbox.ts';
import { notificationSchema } from '../../src/contract/notification.ts';
import { type Session, sessionSchema } from '../../src/contract/socket.ts';
import { ScriptedLink } from './scripted-link.ts';
import type { ScriptedService } from './scripted-service.ts';
import { STILL } from './still-environment.ts';

export class InboxDevice {
  readonly inbox: InboxStore;
  readonly link: ScriptedLink;
  /** The events that were shown to the user as new, by source and id. */
  readonly toasts: string[] = [];
  readonly errors: unknown[] = [];
  readonly #requests: Requests;
  readonly #announcer: Announcer;
  readonly #user: User;
  #session: Session | undefined;

  /** `random`: returns a number from 0 up to 1, as the test draws it. */
  constructor(service: ScriptedService, random: () => number) {
    const now = () => service.nowMs;
    const environment: Environment = {
      ...STILL,
      now,
      random,
      after: (delayMs, run) => service.after(delayMs, run),
    };
    this.link = new ScriptedLink(service, {
      session: (session) => this.#onSession(sessionSchema.parse(session)),
      notification: (notification) => this.#user.ordering.live(notificationSchema.parse(notification)),
      marks: (marks) => this.inbox.onMarks(marksSchema.parse(marks)),
    });
    this.#requests = new Requests(
      environment,
      (name, body) => this.link.ask(name, body).then((answer) => JSON.parse(JSON.stringify(answer))),
      (error) => this.errors.push(error),
    );
    const memory = new Map<string, string>();
    this.inbox = new InboxStore({
      environment,
      requests: this.#requests,
      now,
      offsets: () => this.#user.offsets(),
      onError: (error) => this.errors.push(error),
    });
    this.#announcer = new Announcer({ inbox: this.inbox, user: () => this.#user });
    this.#announcer.emitter.on('toast', ({ source, id }) => this.toasts.push(`${source} ${id}`));
    this.#user = new User('ada', {
      url: 'test',
      storage: { get: (key) => memory.get(key), set: (key, value) => memory.set(key, value) },
      environment,
      now,
      tell: (notification, isMissed) => this.#announcer.notification(notification, isMissed),
      onCopy: (notification) => this.inbox.onCopy(notification),
    });
  }

  connect(): void {
    this.link.connect(Object.fromEntries(presentable(this.#user.ordering.cursors)));
  }

  disconnect(): void {
    this.#session = undefined;
    this.#requests.suspend();
    this.#user.ordering.dropHeld();
    this.link.disconnect();
  }

  #onSession(session: Session): void {
    this.#session = session;
    for (const audience of Object.keys(session.audiences)) this.#user.ordering.hold(audience);
    this.#requests.open(session.limits);
    this.inbox.onSession(session);
    const isPresent = () => this.#session === session;
    const recovering = { user: this.#user, requests: this.#requests, announcer: this.#announcer, isPresent };
    void recover(recovering, session.audiences, session.missed ?? {});
  }
}
