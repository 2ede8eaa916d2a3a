/** The examples in documents: every fenced block of code, with where it stands and what it says it is. */
import { readFileSync } from 'node:fs';

export interface FencedBlock {
  /** From the project's root. */
  readonly file: string;
  readonly line: number;
  /** Empty where none is said. */
  readonly language: string;
  readonly code: string;
}

export function fencedBlocksIn(file: string): FencedBlock[] {
  const lines = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8').split('\n');
  const blocks: FencedBlock[] = [];
  let begun: { readonly line: number; readonly language: string } | undefined;
  for (const [i, text] of lines.entries()) {
    const fence = /^ {0,3}```(\S*)/.exec(text);
    if (fence === null) continue;
    if (begun === undefined) begun = { line: i + 1, language: fence[1] ?? '' };
    else {
      blocks.push({ file, ...begun, code: lines.slice(begun.line, i).join('\n') });
      begun = undefined;
    }
  }
  return blocks;
}

/** The one of this language that has this text in it. */
export function fencedBlock(file: string, language: string, text: string): string {
  const found = fencedBlocksIn(file).filter(
    (block) => block.language === language && block.code.includes(text),
  );
  const [block] = found;
  if (block === undefined || found.length > 1)
    throw new Error(`${file}: ${found.length} ${language} with ${text}`);
  return block.code;
}
