/** Something is not there, and somebody else declares it. It is waited for. */
export class TopologyMissing extends Error {
  readonly code = 'topology_missing';

  constructor(missing: readonly string[]) {
    super(
      `missing: ${missing.join(', ')}; AMQP_DECLARE is false, so import what \`carillon topology\` prints`,
    );
  }
}
