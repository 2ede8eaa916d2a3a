/** `fetch` whose answers are held against the contracts. Modules outlive a test file, and this MUST be done once a process. */
import { checkFetched } from './watch.ts';

const plainFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const response = await plainFetch(input, init);
  checkFetched(input, init, response);
  return response;
};
