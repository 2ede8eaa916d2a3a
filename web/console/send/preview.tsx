/** Who would get the event as it stands, and which of the devices here would ring. */
import type { Devices } from '../devices/devices.ts';
import { AudienceName } from '../parts/audience-name.tsx';
import { plural } from '../words.ts';
import type { Composer } from './composer.ts';

interface PreviewLineProps {
  readonly composer: Composer;
  readonly devices: Devices;
}

const MAX_NAMED = 6;

export function PreviewLine({ composer, devices }: PreviewLineProps) {
  return (
    <p class="preview" aria-live="polite">
      <span class="preview-question">Who would get it?</span> <Answer composer={composer} devices={devices} />
    </p>
  );
}

function Answer({ composer, devices }: PreviewLineProps) {
  const preview = composer.preview.value;
  if (composer.problem.value !== undefined || composer.fault.value !== undefined) {
    return <span class="quiet">Nobody yet: see what is wrong.</span>;
  }
  if (preview.status === 'unknown') return <span class="quiet">Not known now.</span>;
  if (preview.status === 'asking') return <span class="quiet">Asking …</span>;
  const { audiences, count, route, title } = preview.check;
  const here = devices.all.value.filter(({ hears }) => hears.value.some((one) => audiences.includes(one)));
  const named = audiences.slice(0, MAX_NAMED);
  return (
    <>
      {named.map((audience, i) => (
        <span key={audience}>
          {i > 0 && ', '}
          <AudienceName audience={audience} />
        </span>
      ))}
      {count > named.length && ` and ${count - named.length} more`}
      {route !== undefined && (
        <span class="quiet">
          {' '}
          by route <code>{route}</code>
        </span>
      )}
      {title?.route !== undefined && (
        <span class="quiet">
          , as “{title.text}” by route <code>{title.route}</code>
        </span>
      )}
      <span class="quiet">
        {here.length === 0
          ? ' – no device here rings'
          : ` – rings ${plural(here.length, 'device')} here: ${here
              .slice(0, 4)
              .map(({ identity, name }) => `${identity.value.user} (${name})`)
              .join(', ')}`}
      </span>
    </>
  );
}
