/**
 * Characters that a terminal obeys or does not show: controls, formats, single surrogates, separators, and characters
 * that are ignorable by default.
 */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?![\ufe00-\ufe0f])\p{Default_Ignorable_Code_Point}/u;
