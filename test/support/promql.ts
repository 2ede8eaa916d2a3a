/**
 * Finds the names in a PromQL expression. This is not a parser: it removes strings, durations, grouping and numbers,
 * and takes every remaining name without a parenthesis behind it for a metric. It can read the expressions in ops/, and
 * throws when it cannot read one.
 */
interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

export interface Expression {
  readonly selectors: readonly Selector[];
  /** The labels in `by (…)`, `on (…)` and the like. */
  readonly grouped: readonly string[];
}

const KEYWORDS = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);
const GROUPING = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;
const SELECTOR = /([a-zA-Z_:][\w:]*)\s*(\{[^}]*\}|\()?/g;
const MATCHER = /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g;

/** @throws when brackets or quotes are not balanced, or when a matcher has a form that this function does not know */
export function readExpression(text: string): Expression {
  assertBalanced(text);
  const grouped = Array.from(text.matchAll(GROUPING), ([, labels = '']) => labels.split(',')).flat();
  const bare = text.replaceAll(GROUPING, ' ').replaceAll(/\[[^\]]*\]/g, ' ');
  const selectors = Array.from(bare.matchAll(SELECTOR)).flatMap(([, metric = '', behind = '']) =>
    behind === '(' || KEYWORDS.has(metric) ? [] : [{ metric, matchers: matchersIn(behind) }],
  );
  return { selectors, grouped: grouped.map((label) => label.trim()).filter((label) => label !== '') };
}

function matchersIn(braces: string): Selector['matchers'] {
  const inside = braces.slice(1, -1);
  if (inside.replaceAll(MATCHER, '').replaceAll(/[\s,]/g, '') !== '')
    throw new Error(`cannot read ${braces}`);
  return Array.from(inside.matchAll(MATCHER), ([, label = '', operator = '', value = '']) => ({
    label,
    operator,
    value,
  }));
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

function assertBalanced(text: string): void {
  const open: string[] = [];
  const [unquoted, quotes] = [text.replaceAll(/"[^"]*"/g, ''), text.split('"').length - 1];
  for (const sign of unquoted) {
    const closing = CLOSING[sign];
    if (closing !== undefined) open.push(closing);
    else if (')]}'.includes(sign) && open.pop() !== sign) throw new Error(`a ${sign} too many in ${text}`);
  }
  if (open.length > 0 || quotes % 2 === 1) throw new Error(`something is not closed in ${text}`);
}
