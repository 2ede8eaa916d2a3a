/**
 * Draws the results as one SVG: a panel for each work that several servers did, a bar for each of them. Readable on light
 * and on dark pages.
 */
import { decimal } from '../support/figures.ts';
import type { FigureName } from './job.ts';
import type { Result, Row } from './results.ts';
import { NAMES } from './table.ts';
import type { Work } from './works.ts';

const COLUMNS = 3;
const PANEL = { width: 300, height: 178 };
const MARGIN = 20;
const GAP = 24;
/** The work, what it is done with, and the unit. */
const TITLE_LINES_Y = [14, 30, 46] as const;
const TITLE_HEIGHT = 62;
const LABEL_WIDTH = 92;
const VALUE_WIDTH = 64;
const BAR = { height: 18, pitch: 26 };

const STYLE = `
  text { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2430; }
  .title { font-weight: 600; font-size: 13px; }
  .unit { font-size: 11px; fill: #5c6575; }
  .ours { fill: #0f7b6c; }
  .peer { fill: #b4bcc9; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6e9ef; }
    .unit { fill: #9aa4b5; }
    .ours { fill: #35c4ac; }
    .peer { fill: #566073; }
  }`;

export function chart(results: readonly Result[]): string {
  const compared = results.filter(({ rows }) => rows.length > 1);
  const lines = Math.ceil(compared.length / COLUMNS);
  const width = 2 * MARGIN + COLUMNS * PANEL.width + (COLUMNS - 1) * GAP;
  const height = 2 * MARGIN + lines * PANEL.height + (lines - 1) * GAP;
  const panels = compared.map((result, i) => {
    const x = MARGIN + (i % COLUMNS) * (PANEL.width + GAP);
    const y = MARGIN + Math.floor(i / COLUMNS) * (PANEL.height + GAP);
    return `  <g transform="translate(${x} ${y})">\n${panel(result)}\n  </g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Carillon beside stock Socket.IO and raw ws">`,
    `  <style>${STYLE}\n  </style>`,
    ...panels,
    '</svg>',
    '',
  ].join('\n');
}

function panel({ work, rows }: Result): string {
  const largest = Math.max(...rows.map((row) => sizeOf(work, row)));
  const scale = (PANEL.width - LABEL_WIDTH - VALUE_WIDTH) / largest;
  const bars = rows.map((row, i) => bar(row, sizeOf(work, row), scale, TITLE_HEIGHT + i * BAR.pitch));
  const [name, ...details] = work.title.split(', ');
  const under = [...(details.length === 0 ? [] : [details.join(', ')]), unitOf(work)];
  return [
    `    <text class="title" y="${TITLE_LINES_Y[0]}">${name}</text>`,
    ...under.map((text, i) => `    <text class="unit" y="${TITLE_LINES_Y[i + 1]}">${text}</text>`),
    ...bars,
  ].join('\n');
}

function bar({ contestant }: Row, value: number, scale: number, y: number): string {
  const length = Math.max(value * scale, 1).toFixed(1);
  const middle = y + BAR.height / 2 + 4;
  const kind = contestant === 'carillon' ? 'ours' : 'peer';
  return [
    `    <text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${NAMES[contestant]}</text>`,
    `    <rect class="${kind}" x="${LABEL_WIDTH}" y="${y}" width="${length}" height="${BAR.height}" rx="2"/>`,
    `    <text x="${(LABEL_WIDTH + 6 + Number(length)).toFixed(1)}" y="${middle}">${decimal(value)}</text>`,
  ].join('\n');
}

/** They are shown in KB or in seconds. */
const IN_THOUSANDS: readonly FigureName[] = ['connectionBytes', 'heapBytes', 'backMs'];

function sizeOf({ figure }: Work, { figures }: Row): number {
  const value = figures[figure] ?? 0;
  return IN_THOUSANDS.includes(figure) ? value / 1_000 : value;
}

function unitOf({ figure, unit, higherIsBetter }: Work): string {
  const units: Readonly<Record<FigureName, string>> = {
    cpuMicros: `CPU-µs of the server per ${unit}`,
    perSecond: `${unit}s in a second`,
    p50Ms: 'p50, ms',
    p99Ms: 'p99, ms',
    wireBytes: `bytes on the wire per ${unit}`,
    connectionBytes: `KB of memory per ${unit}`,
    heapBytes: `KB of heap per ${unit}`,
    backMs: 'seconds until all are back',
  };
  return `${units[figure]}, ${higherIsBetter ? 'more' : 'less'} is better`;
}
