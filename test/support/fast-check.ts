/**
 * fast-check, drawing the same inputs in each run: a failure belongs to the change, and not to the day. Another TEST_SEED
 * draws others.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.TEST_SEED ?? 3) });

export default fc;
