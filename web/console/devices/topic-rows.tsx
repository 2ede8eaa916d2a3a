/** The topics of a device: the last that was heard in each, and a line to subscribe to more. */
import { useSignal } from '@preact/signals';
import { Icon } from '../parts/icons.tsx';
import { clockTime } from '../words.ts';
import type { Device } from './device.ts';
import { shownOf } from './notification-text.ts';
import type { TopicLine } from './topic-lines.ts';

export function TopicRows({ device }: { readonly device: Device }) {
  const typed = useSignal('');
  const { user } = device.identity.value;
  const subscribe = (event: Event) => {
    event.preventDefault();
    const topic = typed.value.trim();
    if (topic === '') return;
    device.subscribe(topic);
    typed.value = '';
  };
  return (
    <footer class="topics">
      <h4>Topics</h4>
      {device.topics.value.length > 0 && (
        <ul aria-label="Topics">
          {device.topics.value.map((line) => (
            <TopicRow key={line.topic} line={line} device={device} />
          ))}
        </ul>
      )}
      <form class="adder" onSubmit={subscribe} autocomplete="off">
        <input
          aria-label={`Topic for ${user}`}
          placeholder="ticker.btc-usd"
          autocapitalize="off"
          spellcheck={false}
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
        <button type="submit">Subscribe</button>
      </form>
    </footer>
  );
}

function TopicRow({ line, device }: { readonly line: TopicLine; readonly device: Device }) {
  const { topic, status, fault, heard, last } = line;
  return (
    <li class="topic" data-status={status}>
      <span class="topic-name">{topic}</span>
      <span class="topic-last">
        {status === 'refused' && <span class="fault">{fault}</span>}
        {status === 'joining' && <span class="quiet">entering …</span>}
        {status === 'joined' && last === undefined && <span class="quiet">listening</span>}
        {status === 'joined' && last !== undefined && (
          <span key={heard} class="topic-heard">
            <bdi>{shownOf(last).title}</bdi> <time dateTime={last.time}>{clockTime(last.time)}</time>
          </span>
        )}
      </span>
      <button
        type="button"
        class="icon-button small"
        aria-label={`Unsubscribe from ${topic}`}
        title="Unsubscribe"
        onClick={() => device.unsubscribe(topic)}
      >
        <Icon name="close" size={14} />
      </button>
    </li>
  );
}
