/**
 * fast-check with the same inputs in each run, so that a failure is due to the change and not to chance. Another
 * TEST_SEED draws others.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.TEST_SEED ?? 3) });

export default fc;
