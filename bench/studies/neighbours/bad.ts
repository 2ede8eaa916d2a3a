/**
 * The bad neighbours, in a process of their own, so that they do not keep the good clients from reading. Arguments:
 * kind, count and URL.
 */
import { isKind, KINDS } from './kinds.ts';

const [, , kind = '', count = '', url = ''] = process.argv;
if (!isKind(kind)) throw new Error(`no such kind: ${kind}`);
const clients = await KINDS[kind].begin(url, Number(count));
process.send?.({ begun: true });
process.on('message', () => process.send?.({ counts: { ...clients.counts } }));
process.on('disconnect', () => {
  clients.stop();
  process.exit();
});
