/**
 * The doctor on sources: whether RabbitMQ has the exchanges and queues that SOURCES_FILE names, and whether the user may
 * use them as a consumer does. Changes nothing.
 */
import { ABSENT, bindingTrouble, consumingTrouble, missingExchange } from '../adapters/rabbitmq/foreign.ts';
import { DELIVER_QUEUE, PARTITIONS_EXCHANGE, type Partitioning } from '../adapters/rabbitmq/names.ts';
import type { AmqpAddress } from '../config/amqp-address.ts';
import { nameOf, type Source } from '../pipeline/sources/source.ts';
import { readSources } from '../pipeline/sources/sources-file.ts';
import { FileError } from '../pipeline/yaml-file.ts';
import { within } from '../resilience/timeout.ts';
import { driverReasonOf } from './failure.ts';
import { fileReasonOf } from './files.ts';
import type { Finding } from './finding.ts';
import { connectTo, disconnect } from './send-amqp.ts';

const ANSWER_MS = 5_000;

export async function* examineSources(
  address: AmqpAddress,
  partitioning: Partitioning,
  sources: readonly Source[],
): AsyncGenerator<Finding> {
  if (sources.length === 0) return;
  const check = 'sources';
  const target = partitioning.count === 1 ? { queue: DELIVER_QUEUE } : { exchange: PARTITIONS_EXCHANGE };
  try {
    const model = await connectTo(address);
    const troubles: { readonly name: string; readonly trouble: string }[] = [];
    for (const source of sources) {
      const troubleOf = async () => {
        if ('queue' in source) return await consumingTrouble(model, source.queue, address);
        if (!address.declares) return await missingExchange(model, source.exchange, address);
        return await bindingTrouble(model, target, source, address);
      };
      const trouble = await within(ANSWER_MS, troubleOf(), () => 'RabbitMQ does not answer about it');
      if (trouble !== undefined) troubles.push({ name: nameOf(source), trouble });
    }
    await disconnect(model, ANSWER_MS);
    if (troubles.length === 0) {
      yield { check, verdict: 'ok', found: `all ${sources.length} are there and may be used` };
      return;
    }
    const found = troubles.map(({ name, trouble }) => `${name}: ${trouble}`).join('; ');
    // Whom it belongs to may declare it later.
    const isOnlyAbsent = troubles.every(({ trouble }) => trouble === ABSENT);
    const change = isOnlyAbsent
      ? 'correct SOURCES_FILE, or have it declared by whom it belongs to: Carillon waits for it'
      : 'correct SOURCES_FILE; for rights, run what carillon topology --permissions prints';
    yield { check, verdict: isOnlyAbsent ? 'advice' : 'wrong', found, change };
  } catch (error) {
    // The check of RabbitMQ says why it is away.
    yield { check, verdict: 'unknown', found: `they cannot be looked at: ${driverReasonOf(error)}` };
  }
}

/** The check of the configuration reports what is wrong with the file. */
export function sourcesIn(file: string | undefined): readonly Source[] {
  try {
    return readSources(file) ?? [];
  } catch (error) {
    if (!(error instanceof FileError)) fileReasonOf(error);
    return [];
  }
}
