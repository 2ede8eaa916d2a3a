/** What only an operator can mend in RabbitMQ. Trying again cannot help. */
export class TopologyClash extends Error {
  readonly code: string = 'topology_clash';
}

/** A queue or an exchange of ours exists with other properties. */
export class DeclaredDifferently extends TopologyClash {
  constructor(cause: Error) {
    super(
      `RabbitMQ has a queue or exchange of ours that was declared differently: ${cause.message}. ` +
        'Delete it, or point AMQP_URL at another virtual host.',
      { cause },
    );
  }
}

export class PluginOff extends TopologyClash {
  override readonly code = 'plugin_off';

  constructor() {
    super(
      'PARTITIONS above 1 needs a plugin that RabbitMQ has, but that is off. ' +
        'Turn it on at each node: rabbitmq-plugins enable rabbitmq_consistent_hash_exchange',
    );
  }
}
