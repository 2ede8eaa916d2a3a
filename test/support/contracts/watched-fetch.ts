/**
 * Replaces `fetch` with one that checks its answers against the contracts. MUST happen once per process: modules
 * outlive a test file.
 */
import { checkFetched } from './watch.ts';

const plainFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const response = await plainFetch(input, init);
  checkFetched(input, init, response);
  return response;
};
