/** What operators command all nodes to do at once. */
import { z } from 'zod';
import { audienceIdSchema } from '../../contract/audience.ts';
import { logLevelSchema } from '../../contract/log-level.ts';

export const adminCommandSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('disconnect'),
    user: audienceIdSchema,
    /** The user's tokens that were issued before are not taken any more. */
    notBeforeMs: z.int().optional(),
    /**
     * The user was erased at `notBeforeMs`: what was published before is not delivered to the user any more, and devices
     * that leave now are not remembered. Earlier versions only revoke the tokens.
     */
    erases: z.literal(true).optional(),
  }),
  /** The departments of the user were changed before: look them up again. */
  z.object({ kind: z.literal('departments'), user: audienceIdSchema }),
  /** Log more, or less, until a moment; without a level: as configured. */
  z.object({
    kind: z.literal('log-level'),
    level: logLevelSchema.optional(),
    /** In milliseconds since 1970. Later the command counts no more: whoever starts then reads it too. */
    untilMs: z.int(),
    /** The only node that it is for. */
    node: z.string().optional(),
  }),
]);

export type AdminCommand = Readonly<z.infer<typeof adminCommandSchema>>;

/** Whether it is about this user. */
export function isAbout(
  command: AdminCommand,
  user: string,
): command is Extract<AdminCommand, { user: string }> {
  return command.kind !== 'log-level' && command.user === user;
}

/** Tells a command to every node. */
export interface Directing {
  /** Resolves when it is kept, and every node learns of it at once or, after an outage, soon; rejects when it may not be. */
  issue(command: AdminCommand): Promise<void>;
}

/** Told each command once, in their order. What it throws is a defect. */
export type Obey = (command: AdminCommand) => void;
