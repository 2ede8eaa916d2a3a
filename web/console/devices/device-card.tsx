/** One device: its bell, whose it is, its connection, and what is on its screen. */
import { useSignal } from '@preact/signals';
import { Connection, StateMark } from '../parts/connection.tsx';
import { Icon } from '../parts/icons.tsx';
import { plural } from '../words.ts';
import type { Device } from './device.ts';
import type { Devices } from './devices.ts';
import { IdentityForm } from './identity-form.tsx';
import { InboxList } from './inbox-list.tsx';
import { recoveryInWords } from './recovery-words.ts';
import { ToastStack } from './toast-stack.tsx';
import { TopicRows } from './topic-rows.tsx';

interface DeviceCardProps {
  readonly device: Device;
  readonly devices: Devices;
}

export function DeviceCard({ device, devices }: DeviceCardProps) {
  const isEditing = useSignal(false);
  const { user, departments } = device.identity.value;
  const isOff = device.isOff.value;
  const problem = device.problem.value;
  return (
    <article class="device" aria-label={`${user}, ${device.name}`} data-off={isOff}>
      <header class="device-head">
        <Bell device={device} />
        <div class="device-who">
          <h3>{user}</h3>
          <p class="device-state" data-state={isOff ? 'off' : device.state.value.status}>
            <span class="device-name">{device.name}</span>
            {isOff ? <StateMark tone="off" text="Offline" /> : <Connection state={device.state.value} />}
          </p>
        </div>
        <button
          type="button"
          class="icon-button"
          aria-label={`Edit ${user}, ${device.name}`}
          aria-expanded={isEditing.value}
          onClick={() => (isEditing.value = !isEditing.value)}
        >
          <Icon name="edit" size={18} />
        </button>
        <label class="switch">
          <input
            type="checkbox"
            role="switch"
            checked={isOff}
            aria-checked={isOff}
            onChange={() => (isOff ? device.switchOn() : device.switchOff())}
          />
          <span class="switch-track" aria-hidden="true" />
          <span class="switch-label">Offline</span>
        </label>
      </header>
      {isEditing.value && (
        <IdentityForm
          identity={device.identity.value}
          canSign={devices.canSign}
          submit="Connect as"
          problem={problem}
          onCancel={() => (isEditing.value = false)}
          onRemove={() => devices.remove(device)}
          onSubmit={(identity) => {
            device.become(identity);
            isEditing.value = false;
          }}
        />
      )}
      {problem !== undefined && !isEditing.value && (
        <p class="fault" role="status">
          <b>{problem.code}</b>: {problem.detail}
        </p>
      )}
      {device.fault.value !== '' && (
        <p class="fault" role="status">
          {device.fault.value}
        </p>
      )}
      <Recovered device={device} />
      <ul class="memberships" aria-label="Hears">
        <li>user:{user}</li>
        {departments.map((department) => (
          <li key={department}>department:{department}</li>
        ))}
        <li>everybody</li>
      </ul>
      <div class="screen">
        <ToastStack device={device} />
        <InboxList device={device} />
      </div>
      <TopicRows device={device} />
    </article>
  );
}

function Bell({ device }: { readonly device: Device }) {
  const { unseen } = device.inbox.value;
  const badge = unseen >= 100 ? '99+' : String(unseen);
  const rings = device.rings.value;
  return (
    <button
      type="button"
      class="bell"
      aria-label={`${plural(unseen, 'notification')} unseen. Mark all as seen`}
      title="Mark all as seen"
      data-rings={rings}
      onClick={() => device.mark('seen', 'all')}
    >
      {/* A new element for each ring, so that it swings again. */}
      <span key={rings} class={rings > 0 ? 'bell-body ringing' : 'bell-body'}>
        <Icon name="bell" size={32} />
      </span>
      {unseen > 0 && (
        <span class="badge" aria-hidden="true">
          {badge}
        </span>
      )}
    </button>
  );
}

/** The result of having been away, until somebody has read it. */
function Recovered({ device }: { readonly device: Device }) {
  const recovery = device.recoveries.current.value;
  return (
    <div role="status">
      {recovery !== undefined && !device.isOff.value && (
        <p class="recovery" data-complete={recovery.isComplete} data-status={recovery.status}>
          <Icon name={recovery.status === 'done' ? 'check' : 'undo'} size={16} />
          <span>{recoveryInWords(recovery)}</span>
          <button
            type="button"
            class="icon-button small"
            aria-label="Dismiss"
            onClick={() => device.recoveries.dismiss()}
          >
            <Icon name="close" size={14} />
          </button>
        </p>
      )}
    </div>
  );
}
