/** The doctor on sources: whether RabbitMQ has the exchanges and queues that SOURCES_FILE names. Changes nothing. */
import { lookedAt } from '../adapters/rabbitmq/foreign.ts';
import type { AmqpAddress } from '../config/amqp-address.ts';
import { nameOf, type Source } from '../pipeline/sources/source.ts';
import { readSources } from '../pipeline/sources/sources-file.ts';
import { reasonOf } from '../resilience/reason.ts';
import { within } from '../resilience/timeout.ts';
import type { Finding } from './finding.ts';
import { connectTo } from './send-amqp.ts';

const ANSWER_MS = 5_000;

export async function* examineSources(
  address: AmqpAddress,
  sources: readonly Source[],
): AsyncGenerator<Finding> {
  if (sources.length === 0) return;
  const check = 'sources';
  try {
    const model = await connectTo(address);
    const troubles: string[] = [];
    for (const source of sources) {
      const silence = () => 'RabbitMQ does not answer about it';
      const trouble = await within(ANSWER_MS, lookedAt(model, source, address), silence);
      if (trouble !== undefined) troubles.push(`${nameOf(source)}: ${trouble}`);
    }
    await within(ANSWER_MS, model.close(), () => {}).catch(() => {});
    if (troubles.length === 0) yield { check, verdict: 'ok', found: `all ${sources.length} are there` };
    else {
      const change = 'correct SOURCES_FILE, or have it declared by whom it belongs to: Carillon waits for it';
      yield { check, verdict: 'advice', found: troubles.join('; '), change };
    }
  } catch (error) {
    // That RabbitMQ is away is told already.
    yield { check, verdict: 'advice', found: `they cannot be looked at: ${reasonOf(error)}` };
  }
}

/** What is wrong with the file is told by the check of the configuration. */
export function sourcesIn(file: string | undefined): readonly Source[] {
  try {
    return readSources(file) ?? [];
  } catch {
    return [];
  }
}
