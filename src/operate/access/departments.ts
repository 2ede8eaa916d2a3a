/** Departments that an operator gives a user, in place of those that the user's token claims. */
import { z } from 'zod';
import { audienceIdSchema } from '../../contract/audience.ts';
import { type Identity, MAX_CLAIMED } from '../../contract/token.ts';

export const departmentsSchema = z
  .object({
    departments: z
      .array(audienceIdSchema)
      .max(MAX_CLAIMED)
      .describe('All of them; none: the user is in no department.'),
  })
  .meta({ id: 'Departments' });

/** What gateways and the HTTP inbox ask for each user that they let in. Rejects when Redis is away. */
export interface GivenDepartments {
  /** Undefined: the token's claim counts. */
  of(user: string): Promise<readonly string[] | undefined>;
}

/** What operators change. Each rejects when it may not have been kept, and may be called again. */
export interface Departments extends GivenDepartments {
  give(user: string, departments: readonly string[]): Promise<void>;
  /** From now on the token's claim counts again. */
  takeBack(user: string): Promise<void>;
}

export function withDepartments(identity: Identity, given: readonly string[] | undefined): Identity {
  return given === undefined ? identity : { ...identity, departments: given };
}
