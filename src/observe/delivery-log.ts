/** Logs each delivery of the events that are sampled. The consumer that appended an event has decided whether it is. */
import type { Logger } from 'pino';
import { eventOfPacket } from '../contract/notification.ts';
import type { DeliveryObserver } from '../edge/gateway/delivery-observer.ts';

export function logSampledDeliveries(log: Logger): DeliveryObserver {
  return {
    passedOn: (audience, { sampled, epoch, offset, packet }, sockets) => {
      if (!sampled) return;
      const { source, id, type } = eventOfPacket(packet.toString()) ?? {};
      log.info({ event: { source, id, type }, audience, epoch, offset, sockets }, 'delivered');
    },
  };
}
