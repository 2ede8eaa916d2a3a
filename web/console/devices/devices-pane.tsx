/** The pane of simulated devices, side by side. */
import { useSignal } from '@preact/signals';
import { Icon } from '../parts/icons.tsx';
import type { ConsoleSession } from '../session.ts';
import { DeviceCard } from './device-card.tsx';
import { IdentityForm } from './identity-form.tsx';

export function DevicesPane({ session }: { readonly session: ConsoleSession }) {
  const { devices } = session;
  const isAdding = useSignal(false);
  const all = devices.all.value;
  const connected = all.filter(({ state }) => state.value.status === 'connected').length;
  if (session.about.value?.gatewayUrl === undefined) {
    return (
      <>
        <div class="pane-head">
          <h2 id="title-devices">Devices</h2>
        </div>
        <p class="empty">
          This process is only a consumer: devices connect to a gateway. Open the console of a process that is
          one to see them ring.
        </p>
      </>
    );
  }
  return (
    <>
      <div class="pane-head">
        <h2 id="title-devices">Devices</h2>
        <p class="quiet">
          {connected} of {all.length} connected
        </p>
        <button
          type="button"
          onClick={() => (isAdding.value = !isAdding.value)}
          aria-expanded={isAdding.value}
        >
          <Icon name="plus" size={16} />
          Add a device
        </button>
      </div>
      <div class="devices">
        {isAdding.value && (
          <article class="device adding" aria-label="A new device">
            <IdentityForm
              identity={{ user: 'ada', departments: ['sales'], token: '' }}
              canSign={devices.canSign}
              submit="Connect"
              problem={undefined}
              onCancel={() => (isAdding.value = false)}
              onSubmit={(identity) => {
                devices.add(identity);
                isAdding.value = false;
              }}
            />
          </article>
        )}
        {all.map((device) => (
          <DeviceCard key={device.key} device={device} devices={devices} />
        ))}
      </div>
      {all.length === 0 && !isAdding.value && (
        <p class="empty">
          No devices. Add one to see it ring: it is a real client, with a connection of its own.
        </p>
      )}
    </>
  );
}
