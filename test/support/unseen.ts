/** What a terminal obeys or does not show: controls, formats, halves of pairs, separators, and what is ignored by default. */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?![\ufe00-\ufe0f])\p{Default_Ignorable_Code_Point}/u;
