/** Export and erasure, kept in memory and in one Redis. */
import { inMemory, inRedis } from '../support/personal-parts.ts';
import { describePersonalData } from './personal-data-contract.ts';

describePersonalData('memory', inMemory);
describePersonalData('Redis', inRedis);
