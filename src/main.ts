/** The process: configuration, start, signals. Whatever is wrong is said in one message, and the exit code tells. */

import type { Logger } from 'pino';
import { type Service, startService } from './app/service.ts';
import { type Config, ConfigError, readConfig } from './config/config.ts';
import { limitsThatDoNotFit } from './config/limits.ts';
import { logLibraryWarnings } from './observe/library-warnings.ts';
import { createLog } from './observe/log.ts';
import { FileError } from './pipeline/yaml-file.ts';
import { stackOf } from './resilience/unavailable.ts';

/** Faults that the operator mends get a message without a stack; all others are ours. */
function refuseToStart(error: unknown): never {
  const isOperators =
    error instanceof ConfigError || error instanceof FileError || (error instanceof Error && 'code' in error);
  // Not by the console, which is the log by then.
  process.stderr.write(
    `carillon does not start: ${isOperators && error instanceof Error ? error.message : stackOf(error)}\n`,
  );
  process.exit(1);
}

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const log = createLog({ level: config.LOG_LEVEL, redact: config.LOG_REDACT });
  logLibraryWarnings(log);
  for (const reason of limitsThatDoNotFit(config)) log.warn({ code: 'limits_do_not_fit', reason }, 'limits');
  let starting: Promise<Service> | undefined;
  listenToOperators(config, log, () => starting);
  starting = startService(config, log, (error) => {
    log.fatal(
      { code: 'code' in error ? error.code : undefined, reason: error.message },
      'carillon cannot go on',
    );
    process.exit(1);
  });

  let stopping = false;
  const stop = async (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1);
    stopping = true;
    log.info({ signal }, 'stopping');
    setTimeout(() => {
      log.error({ timeoutSeconds: config.SHUTDOWN_TIMEOUT }, 'stopping took too long');
      process.exit(1);
    }, config.SHUTDOWN_TIMEOUT * 1000);
    const running = await starting;
    let exitCode = 0;
    try {
      await running?.stop();
      log.info('stopped');
    } catch (error) {
      exitCode = 1;
      log.error(
        { reason: error instanceof Error ? error.message : String(error) },
        'not everything was closed',
      );
    }
    // Calls back also when the log cannot be written.
    log.flush(() => process.exit(exitCode));
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  const service = await starting;
  const { node, places, url, opsUrl } = service;
  announce(service);
  log.info({ node, roles: config.ROLES, ...places, url, opsUrl }, 'started');
}

/**
 * SIGHUP reads ROUTES_FILE and SOURCES_FILE again. In embedded mode it ends the process as ever: there it means that the
 * terminal was closed. SIGUSR2 changes the level of the log; SIGUSR1 is the debugger's. During the start both take
 * effect afterwards.
 */
function listenToOperators(
  { backends }: Config,
  log: Logger,
  starting: () => Promise<Service> | undefined,
): void {
  // Why it does not start is reported elsewhere.
  const started = async () => await starting()?.catch(() => undefined);
  process.on('SIGUSR2', async () => (await started())?.toggleDebug());
  if (backends === undefined) return;
  process.on('SIGHUP', async (signal) => {
    log.info({ signal }, 'reading files again');
    await (await started())?.reload();
  });
}

/** What a newcomer in front of a terminal wants to know; operators read the log. */
function announce({ mode, url, opsUrl }: Service): void {
  if (mode !== 'embedded') return;
  console.log(
    `\n  Carillon, embedded: no RabbitMQ, no Redis, nothing outlives this process.\n\n  Page and API  ${url}\n  Operators     ${opsUrl}\n`,
  );
}

main().catch(refuseToStart);
