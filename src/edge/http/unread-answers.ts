/**
 * Cuts off clients that do not read an answer, or read it a byte now and then. Otherwise it would stay in memory for
 * as long as they like.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';

/** A part of an answer MUST be read within this time, */
const STALL_MS = 10_000;
/** and all of it in this. */
const MAX_STALLS = 12;

export function cutUnreadAnswers(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply) => {
    // Event streams last, and have a limit of their own.
    if (String(reply.getHeader('content-type')).startsWith('text/event-stream')) return;
    const stop = watch(request);
    reply.raw.once('close', stop);
  });
}

function watch({ raw: { socket }, log, ip }: FastifyRequest): () => void {
  let taken = -1;
  let checks = 0;
  const timer = setInterval(() => {
    const before = taken;
    taken = socket.bytesWritten - socket.writableLength;
    checks += 1;
    if (taken !== before && checks < MAX_STALLS) return;
    log.info({ address: ip }, 'answer not taken: connection closed');
    clearInterval(timer);
    socket.destroy();
  }, STALL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
