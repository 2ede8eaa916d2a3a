/**
 * fast-check with the same inputs in every run, so that a failure comes from the change and not from chance. Another
 * TEST_SEED draws other inputs.
 */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env.TEST_SEED ?? 3) });

export default fc;
