/** The inbox of a device: newest first, each with what may be done with it. */
import type { InboxItem } from '../../../src/clients/client/connect.ts';
import { AudienceName } from '../parts/audience-name.tsx';
import { Icon } from '../parts/icons.tsx';
import { clockTime } from '../words.ts';
import type { Device } from './device.ts';
import { linkOf, shownOf } from './notification-text.ts';

export function InboxList({ device }: { readonly device: Device }) {
  const { list, unseen, unread, hasMore } = device.inbox.value;
  const missed = device.recoveries.missed.value;
  return (
    <>
      <div class="inbox-head">
        <h4>Inbox</h4>
        <p class="quiet">{unread === 0 ? 'all read' : `${unread} unread`}</p>
        <div class="button-row">
          <button
            type="button"
            class="plain"
            disabled={unseen === 0}
            onClick={() => device.mark('seen', 'all')}
          >
            All seen
          </button>
          <button
            type="button"
            class="plain"
            disabled={unread === 0}
            onClick={() => device.mark('read', 'all')}
          >
            All read
          </button>
        </div>
      </div>
      {list.length === 0 ? (
        <p class="empty">
          Nothing yet. What is sent to this user, their departments or everybody rings here.
        </p>
      ) : (
        <ol class="inbox" aria-label="Notifications, newest first">
          {list.map((item) => (
            <Row
              key={`${item.source} ${item.id}`}
              item={item}
              device={device}
              isMissed={missed.has(item.id)}
            />
          ))}
          {hasMore && (
            <li class="inbox-more">
              <button type="button" class="plain" onClick={() => void device.loadMore()}>
                Load more
              </button>
            </li>
          )}
        </ol>
      )}
    </>
  );
}

interface RowProps {
  readonly item: InboxItem;
  readonly device: Device;
  readonly isMissed: boolean;
}

function Row({ item, device, isMissed }: RowProps) {
  const { severity, audience, offset, time, read: isRead, seen: isSeen } = item;
  const shown = shownOf(item);
  const { title, body } = shown;
  const link = linkOf(shown, location.href);
  return (
    <li
      class="notification"
      data-severity={severity}
      data-read={isRead}
      data-seen={isSeen}
      data-missed={isMissed}
    >
      <i class="unread-dot" aria-hidden="true" />
      <div class="notification-text">
        <p class="notification-title">
          {!isRead && <span class="unheard">Unread: </span>}
          <bdi class="notification-name" lang={shown.titleLanguage}>
            {title}
          </bdi>
          {!isSeen && !isMissed && <span class="new">new</span>}
          {isMissed && <span class="new missed">missed</span>}
        </p>
        {body !== '' && (
          <p class="notification-body" dir="auto" lang={shown.bodyLanguage}>
            {body}
          </p>
        )}
        <p class="notification-meta quiet">
          {severity !== 'info' && <span class="severity-word">{severity}</span>}
          <span>
            <AudienceName audience={audience} /> #{offset}
          </span>
          <time dateTime={time}>{clockTime(time)}</time>
          {link !== undefined && (
            <a href={link} target="_blank" rel="noreferrer" onClick={() => device.mark('read', [item])}>
              Open<span class="unheard"> {title}</span>
            </a>
          )}
        </p>
      </div>
      <div class="notification-acts">
        <button
          type="button"
          class="icon-button small"
          title={isRead ? 'Mark as unread' : 'Mark as read'}
          aria-label={`Mark “${title}” as ${isRead ? 'unread' : 'read'}`}
          onClick={() => device.mark(isRead ? 'unread' : 'read', [item])}
        >
          <Icon name={isRead ? 'undo' : 'check'} size={16} />
        </button>
        <button
          type="button"
          class="icon-button small"
          title="Archive"
          aria-label={`Archive “${title}”`}
          onClick={() => device.mark('archived', [item])}
        >
          <Icon name="archive" size={16} />
        </button>
      </div>
    </li>
  );
}
