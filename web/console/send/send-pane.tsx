/** The pane that sends: templates, the event as a form or as text, who would get it, and what became of it. */
import { useSignal } from '@preact/signals';
import type { ConsoleSession } from '../session.ts';
import { EventForm } from './event-form.tsx';
import { OutcomeLine } from './outcome.tsx';
import { PreviewLine } from './preview.tsx';
import { RawEditor } from './raw-editor.tsx';
import { TEMPLATES } from './templates.ts';

interface SendPaneProps {
  readonly session: ConsoleSession;
  readonly onShowDevices: () => void;
}

const VIEWS = [
  { name: 'form', title: 'Form' },
  { name: 'raw', title: 'CloudEvent' },
] as const;

const HOW_OFTEN = [1, 10, 100];

export function SendPane({ session, onShowDevices }: SendPaneProps) {
  const { composer } = session;
  const view = useSignal<'form' | 'raw'>('form');
  const isSending = composer.outcome.value.status === 'sending';
  const send = async () => {
    if (composer.fault.value !== undefined) view.value = 'raw';
    if (await composer.send()) return;
    // Where the fault is said is where one goes on.
    requestAnimationFrame(() =>
      document.querySelector<HTMLElement>('.pane-send [aria-invalid=true]')?.focus(),
    );
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void send();
  };
  return (
    <form
      class="send"
      autocomplete="off"
      noValidate
      onKeyDown={onKeyDown}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <div class="pane-head">
        <h2 id="title-send">Send</h2>
        <fieldset class="segments">
          <legend class="unheard">Write the event as</legend>
          {VIEWS.map(({ name, title }) => (
            <label key={name}>
              <input
                type="radio"
                name="view"
                checked={view.value === name}
                onChange={() => (view.value = name)}
              />
              <span>{title}</span>
            </label>
          ))}
        </fieldset>
      </div>
      <fieldset class="templates" aria-label="Start from a template">
        {TEMPLATES.map((template) => (
          <button key={template.name} type="button" class="chip" onClick={() => composer.startFrom(template)}>
            {template.name}
          </button>
        ))}
      </fieldset>
      {view.value === 'form' ? (
        <EventForm composer={composer} devices={session.devices} onShowText={() => (view.value = 'raw')} />
      ) : (
        <RawEditor composer={composer} />
      )}
      <div class="send-end">
        <PreviewLine composer={composer} devices={session.devices} />
        <div class="send-row">
          <button type="submit" class="primary send-button" aria-disabled={isSending} title="Ctrl + Enter">
            Send
          </button>
          <label class="times">
            <span class="unheard">How often</span>
            <select
              value={composer.times.value}
              onChange={(event) => (composer.times.value = Number(event.currentTarget.value))}
            >
              {HOW_OFTEN.map((times) => (
                <option key={times} value={times}>
                  {times === 1 ? 'once' : `${times} times`}
                </option>
              ))}
            </select>
          </label>
        </div>
        <OutcomeLine session={session} onShowDevices={onShowDevices} />
      </div>
    </form>
  );
}
