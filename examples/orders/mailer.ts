/**
 * The e-mail service: writes to whom a notification has not reached within UNREACHED_AFTER seconds. What it "sends" it
 * publishes as `mail.sent`, for the page to show.
 */
import { type Notification, textsOf } from 'carillon-client';
import { z } from 'zod';
import type { Signal } from '../support/link.ts';
import type { Story } from '../support/story.ts';

const sessionSchema = z.object({ user: z.string(), session: z.string() });

const unreachedSchema = z.object({
  user: z.string(),
  notification: z.custom<Notification>((value) => typeof value === 'object' && value !== null),
});

export async function startMailer({ publish, signals }: Pick<Story, 'publish' | 'signals'>): Promise<void> {
  const mailed = new Set<string>();
  const connected = new Map<string, string>();

  const onSignal = async ({ id, type, data }: Signal): Promise<void> => {
    switch (type) {
      case 'carillon.notification.unreached': {
        // A process that died may make another one tell it again, with the same id.
        if (mailed.has(id)) return;
        mailed.add(id);
        const { user, notification } = unreachedSchema.parse(data);
        // A real one knows in which language its customers read.
        const { title, body } = textsOf(notification, ['en']);
        await publish({
          type: 'mail.sent',
          id: `mail for ${id}`,
          data: { to: `${user}@example.com`, subject: title, text: body },
        });
        return;
      }
      // Not needed to send mail: to show when it is to be expected.
      case 'carillon.client.connected':
      case 'carillon.client.disconnected': {
        const { user, session } = sessionSchema.parse(data);
        if (type === 'carillon.client.connected') connected.set(session, user);
        else connected.delete(session);
        await publish({ type: 'mail.watch', data: { user, isHere: [...connected.values()].includes(user) } });
      }
    }
  };

  // One after the other: what was so last is told last.
  let last = Promise.resolve();
  await signals((signal) => {
    last = last.then(() => onSignal(signal)).catch((error) => console.error(`e-mail service: ${error}`));
  });
}
