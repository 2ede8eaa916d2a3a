/** What the documents say of variables and codes is what the code has. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { documentedVariables, readConfig } from '../../src/config.ts';
import { verdicts } from '../../src/contract/explanation.ts';
import { refusalCodes } from '../../src/contract/refusal.ts';
import { goawayCodes, handshakeErrorCodes, requestErrorCodes } from '../../src/contract/socket.ts';

const operating = readFileSync('docs/operating.md', 'utf8');
const protocol = readFileSync('docs/protocol.md', 'utf8');
const defaults = new Map(Object.entries(readConfig({})));
/** In words: what it is depends on the machine. */
const OF_THE_MACHINE = ['PENDING_TOTAL_MAX_BYTES'];

test.for(documentedVariables)('$name', ({ name, purpose }) => {
  const row = operating.split('\n').find((line) => line.startsWith(`| \`${name}\` |`));
  expect(row).toContain(`| ${purpose} |`);
  const value = OF_THE_MACHINE.includes(name) ? undefined : defaults.get(name);
  if (typeof value === 'number' || typeof value === 'string') {
    expect(row).toContain(name === 'HOST' ? value : `| \`${value}\` |`);
  }
});

test.for(
  [goawayCodes, handshakeErrorCodes, requestErrorCodes, refusalCodes].flatMap((codes) =>
    Object.entries(codes),
  ),
)('%s', ([code, meaning]) => {
  const rows = protocol.split('\n').filter((line) => line.startsWith(`| \`${code}\` |`));
  expect(rows.some((row) => row.endsWith(`| ${meaning} |`))).toBe(true);
});

test.for(Object.entries(verdicts))('the verdict %s', ([code, meaning]) => {
  expect(operating).toContain(`| \`${code}\` | ${meaning} |`);
});
