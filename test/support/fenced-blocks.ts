/** Finds the examples in documents: every fenced code block, with its place and its language. */
import { readFileSync } from 'node:fs';

export interface FencedBlock {
  /** The path from the project's root. */
  readonly file: string;
  readonly line: number;
  /** Empty if the block names no language. */
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

/** Finds the block in this language that contains this text. */
export function fencedBlock(file: string, language: string, text: string): string {
  const found = fencedBlocksIn(file).filter(
    (block) => block.language === language && block.code.includes(text),
  );
  const [block] = found;
  if (block === undefined || found.length > 1)
    throw new Error(`${file}: ${found.length} ${language} with ${text}`);
  return block.code;
}
