/** The topics of a device: whether it is in them, and the last that was heard in each. */
import type { Notification } from '../../../src/clients/client/connect.ts';

export interface TopicLine {
  readonly topic: string;
  readonly status: 'joining' | 'joined' | 'refused';
  /** Why it is refused. */
  readonly fault: string;
  readonly heard: number;
  readonly last: Notification | undefined;
}

export type TopicLines = readonly TopicLine[];

export function withTopic(
  lines: TopicLines,
  topic: string,
  change: Partial<Omit<TopicLine, 'topic'>>,
): TopicLines {
  if (lines.some((line) => line.topic === topic)) {
    return lines.map((line) => (line.topic === topic ? { ...line, ...change } : line));
  }
  return [...lines, { topic, status: 'joining', fault: '', heard: 0, last: undefined, ...change }];
}

export function withoutTopic(lines: TopicLines, topic: string): TopicLines {
  return lines.filter((line) => line.topic !== topic);
}

const PREFIX = 'topic:';

/** A notification of a topic is in no inbox: its topic's line shows the last. */
export function withHeard(lines: TopicLines, notification: Notification): TopicLines {
  return lines.map((line) =>
    `${PREFIX}${line.topic}` === notification.audience
      ? { ...line, heard: line.heard + 1, last: notification }
      : line,
  );
}
