/** What just rang, on top of the device's screen and read aloud: the newest, with those before it behind it. */
import { Icon } from '../parts/icons.tsx';
import type { Device } from './device.ts';
import { shownOf } from './notification-text.ts';

export function ToastStack({ device }: { readonly device: Device }) {
  const { user } = device.identity.value;
  return (
    <div class="toasts" role="log" aria-live="polite" aria-label={`Rings for ${user}`}>
      {device.toasts.shown.value.map(({ key, notification }, depth) => (
        <div key={key} class="toast" data-severity={notification.severity} inert={depth > 0}>
          <i class="severity-mark" aria-hidden="true" />
          <div>
            <p class="toast-title">
              <span class="unheard">
                {notification.severity}, for {user}:{' '}
              </span>
              <bdi>{shownOf(notification).title}</bdi>
            </p>
            <p class="toast-body" dir="auto">
              {shownOf(notification).body}
            </p>
          </div>
          <button
            type="button"
            class="icon-button small"
            aria-label="Dismiss"
            onClick={() => device.toasts.dismiss(key)}
          >
            <Icon name="close" size={14} />
          </button>
        </div>
      ))}
    </div>
  );
}
