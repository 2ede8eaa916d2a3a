/**
 * All output of a command: results to standard output, everything else to standard error, colours only for people. It
 * all passes through here, which escapes characters of strangers that a terminal would obey.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { visible, visibleLine } from '../contract/visible.ts';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

export interface Terminal {
  print(text: string): void;
  /** A part of a long text. Resolves when there is room for the next. */
  piece(text: string): Promise<void>;
  /** One line for programs: equivalent JSON in which invisible characters are escaped. */
  json(value: unknown): void;
  complain(text: string): void;
  complainJson(value: unknown): void;
  /** MUST be printed by the same terminal. */
  style(style: Style, text: string): string;
}

type Streams = Pick<NodeJS.Process, 'stdout' | 'stderr' | 'env'>;

export function openTerminal({ stdout, stderr, env }: Streams): Terminal {
  const isColoured = stdout.isTTY === true && stderr.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  // Marks the terminal's own codes until they are written. Strangers cannot guess it.
  const mark = randomBytes(9).toString('hex');
  const marked = new RegExp(`<${mark}:(\\d+)>`);
  const codeOf = (code: number) => `<${mark}:${code}>`;
  const shown = (text: string) =>
    text
      .split(marked)
      .map((part, i) => (i % 2 === 0 ? visible(part) : `\u001b[${part}m`))
      .join('');
  return {
    piece: async (text) => {
      // When a reader has left, the process ends.
      if (!stdout.write(visible(text))) await once(stdout, 'drain');
    },
    print: (text) => void stdout.write(`${shown(text)}\n`),
    json: (value) => void stdout.write(`${visible(JSON.stringify(value))}\n`),
    complain: (text) => void stderr.write(`${shown(text)}\n`),
    complainJson: (value) => void stderr.write(`${visible(JSON.stringify(value))}\n`),
    style: (style, text) => {
      if (!isColoured) return text;
      const [open, close] = inspect.colors[style] ?? [0, 0];
      return `${codeOf(open)}${text}${codeOf(close)}`;
    },
  };
}

/** Text of strangers on one line: with a line end in it, it could imitate a line of ours. */
export function plain(text: string): string {
  return visibleLine(text);
}

/** Pads each column to its widest cell, except the last. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  return rows
    .map((row) =>
      row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  '),
    )
    .join('\n');
}
