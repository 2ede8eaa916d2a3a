/** `/admin/…` on OPS_PORT: for operators, whose token has the scope that each route names. Never on the public port. */
import type { FastifyInstance } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import { visible } from '../../contract/visible.ts';
import { type AdminCallsOptions, guardAdminCalls } from './admin-calls.ts';
import { type AdminDeadLettersOptions, serveAdminDeadLetters } from './admin-dead-letters.ts';
import { type AdminDepartmentsOptions, serveAdminDepartments } from './admin-departments.ts';
import { type AdminExplainOptions, serveAdminExplain } from './admin-explain.ts';
import { type AdminLogLevelOptions, serveAdminLogLevel } from './admin-log-level.ts';
import { type AdminPersonalDataOptions, serveAdminPersonalData } from './admin-personal-data.ts';
import { type AdminPresenceOptions, serveAdminPresence } from './admin-presence.ts';
import { type AdminQueuesOptions, serveAdminQueues } from './admin-queues.ts';
import { type AdminUsersOptions, serveAdminUsers } from './admin-users.ts';

export interface AdminOptions
  extends AdminUsersOptions,
    AdminDepartmentsOptions,
    AdminPersonalDataOptions,
    AdminPresenceOptions,
    AdminDeadLettersOptions,
    AdminExplainOptions,
    AdminCallsOptions,
    AdminQueuesOptions,
    AdminLogLevelOptions {}

export function serveAdmin(app: FastifyInstance, options: AdminOptions): void {
  app.register(async (scope) => {
    guardAdminCalls(scope, options);
    scope.setSerializerCompiler(visibleSerializer);
    serveAdminUsers(scope, options);
    serveAdminDepartments(scope, options);
    serveAdminPersonalData(scope, options);
    serveAdminPresence(scope, options);
    serveAdminDeadLetters(scope, options);
    serveAdminExplain(scope, options);
    serveAdminQueues(scope, options);
    serveAdminLogLevel(scope, options);
  });
}

/**
 * Escapes what a terminal would obey: ids, titles and reasons come from strangers, and an operator may read the
 * answer in a terminal. The JSON stays equivalent.
 */
const visibleSerializer: typeof serializerCompiler = (route) => {
  const serialize = serializerCompiler(route);
  return (data) => visible(serialize(data));
};
