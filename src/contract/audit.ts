/** The audit: what is said of a call by an operator. It holds no token, and of a body only what its route names. */
import { z } from 'zod';
import { meanings } from './meanings.ts';

/** What operators do, each with the meaning that the documentation gives it. */
export const auditActions = {
  'users.disconnect': 'A user was sent away, with `notBefore` also older tokens.',
  'users.sessions': "A user's connections and devices were read.",
  'users.departments.show': 'The departments that a user was given were read.',
  'users.departments.give': 'A user was given departments.',
  'users.departments.take-back': "A user went back to the token's departments.",
  'users.erase': 'All that is kept of a user was erased, or a part of it.',
  'users.export': 'All that is kept of a user was read.',
  'audiences.show': 'It was read who of an audience is connected.',
  'events.explain': 'It was asked why a user has an event, or has not.',
  'dead-letters.list': 'Dead letters were listed.',
  'dead-letters.show': 'A dead letter was read, with its body.',
  'dead-letters.redrive': 'Dead letters were sent again, or with `dryRun` tried.',
  'dead-letters.discard': 'Dead letters were thrown away.',
  'queues.list': 'Only when refused: queues were looked at.',
  'log-level.show': 'The level of the log was read.',
  'log-level.set': 'The log was set to another level for a while.',
  'log-level.reset': 'The log went back to its configured level.',
  'console.watch': "The console's live view was opened.",
  'console.send': 'An event was sent from the console.',
  'console.token': 'The console made a token for a device.',
  'console.check': 'Only when refused: it was asked who would get an event.',
  'console.count': 'Only when refused: dead letters were counted.',
} as const;

export type AuditAction = keyof typeof auditActions;

const isAction = (name: string): name is AuditAction => name in auditActions;

export const auditSchema = z.object({
  action: z
    .enum(Object.keys(auditActions).filter(isAction))
    .describe(`What was done or refused:\n\n${meanings(auditActions)}`),
  actor: z
    .string()
    .optional()
    .describe('Whose token it was: its user; left out when no valid token was there.'),
  tokenId: z.string().optional().describe("The token's `jti`, if it has one; at most 256 characters."),
  scope: z.string().optional().describe('The scope by which it was allowed; left out when it was refused.'),
  refusal: z
    .string()
    .optional()
    .describe(
      'Why it was refused before anything was done: `unauthorized`, `forbidden`, `origin` and others.',
    ),
  node: z.string().describe('The process that was asked.'),
  address: z.string().describe('Where it came from, by TRUST_PROXY.'),
  method: z.string(),
  route: z.string().describe('As openapi.yaml has it: `/admin/users/{user}/disconnect`.'),
  target: z
    .record(z.string(), z.string())
    .describe('What it was about, from path and query: `user`, `audience`, `event`, `source`, `id`.'),
  query: z.record(z.string(), z.string()).describe("The query's parameters, as far as the route has them."),
  body: z
    .record(z.string(), z.unknown())
    .describe('What the route records of a valid body: `notBefore`, `departments`, `ids` and others.'),
  status: z.int().describe('Of the answer.'),
});

export type AuditRecord = z.infer<typeof auditSchema>;
