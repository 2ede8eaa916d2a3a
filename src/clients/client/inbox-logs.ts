/**
 * The copies that this client holds of each log, as far as they are of use: what is replaced, taken back or trimmed
 * leaves, in its own audience only, as on the server.
 */
import type { KeptByKind } from '../../contract/inbox.ts';
import { type EventIdentity, eventKeyOf, expiresAtMs, retractedBy } from './identity.ts';
import { atMs, type Item, placeOf } from './inbox-items.ts';
import type { InboxItem } from './notification.ts';

/** For what a page brings that was read before something hid it; far more than come meanwhile. */
const MAX_SHADOWS = 1_000;

export class InboxLogs {
  readonly #items = new Map<string, Item>();
  /** The newest place of what hides others: by audience and collapse key, or by audience and event. */
  readonly #shadows = new Map<string, number>();
  readonly #reached: () => Readonly<Record<string, number>>;
  kept: KeptByKind | undefined;

  /** `reached`: up to where each audience's log has come. */
  constructor(reached: () => Readonly<Record<string, number>>) {
    this.#reached = reached;
  }

  get items(): readonly Item[] {
    return [...this.#items.values()];
  }

  has({ audience, offset, source, id }: InboxItem): boolean {
    const held = this.#items.get(placeOf({ audience, offset }))?.shown;
    return held !== undefined && eventKeyOf(held) === eventKeyOf({ source, id });
  }

  /** Whether what this one hides, if anything, is known here. */
  knowsHidden(shown: InboxItem): boolean {
    const event = retractedBy(shown);
    const isKnown = (name: string, isIt: (other: InboxItem) => boolean) =>
      this.#shadows.has(`${shown.audience} ${name}`) || this.items.some((item) => isIt(item.shown));
    const isHere = ({ audience }: InboxItem) => audience === shown.audience;
    if (event !== undefined)
      return isKnown(eventKeyOf(event), (one) => isHere(one) && eventKeyOf(one) === eventKeyOf(event));
    const key = collapseKeyOf(shown);
    return key === undefined || isKnown(key, (one) => isHere(one) && collapseKeyOf(one) === key);
  }

  /** Came, live or missed. */
  arrive(item: Item): void {
    const { audience, offset } = item.shown;
    const event = retractedBy(item.shown);
    if (event !== undefined) this.#hide(audience, eventKeyOf(event), offset);
    this.put(item);
  }

  /** Nothing that is hidden, and of one place the last that was put there. What it replaces may come later. */
  put(item: Item): void {
    const { audience, offset } = item.shown;
    const key = collapseKeyOf(item.shown);
    if (key !== undefined) this.#hide(audience, key, offset);
    if (!this.#isHidden(item.shown)) this.#items.set(placeOf(item.shown), item);
  }

  /** Each becomes another. */
  change(become: (item: Item) => Item): void {
    for (const [place, item] of this.#items) this.#items.set(place, become(item));
  }

  drop(isGone: (shown: InboxItem) => boolean): void {
    for (const [place, { shown }] of this.#items) if (isGone(shown)) this.#items.delete(place);
  }

  /** What is shown as of `nowMs`: the expired are not, nor what its log does not keep. */
  dropEnded(nowMs: number): void {
    const reached = this.#reached();
    this.drop((shown) => this.#endsAtMs(shown) <= nowMs || this.#isTrimmed(shown, reached));
  }

  nextEndMs(): number {
    return Math.min(...this.items.map(({ shown }) => this.#endsAtMs(shown)));
  }

  /** The log has lost what it had behind its head, and gives out those places again. */
  reset(audience: string, head: number): void {
    this.drop((shown) => shown.audience === audience && shown.offset > head);
    for (const [name, offset] of this.#shadows) {
      if (name.startsWith(`${audience} `) && offset > head) this.#shadows.delete(name);
    }
  }

  #hide(audience: string, name: string, offset: number): void {
    const key = `${audience} ${name}`;
    const [oldest] = this.#shadows.keys();
    if (this.#shadows.size >= MAX_SHADOWS && oldest !== undefined) this.#shadows.delete(oldest);
    this.#shadows.set(key, Math.max(offset, this.#shadows.get(key) ?? 0));
    this.drop((shown) => shown.audience === audience && this.#isHidden(shown));
  }

  #isHidden(shown: InboxItem): boolean {
    const { audience, offset } = shown;
    const isBehind = (name: string | undefined) => (this.#shadows.get(`${audience} ${name}`) ?? 0) > offset;
    return retractedBy(shown) !== undefined || isBehind(eventKeyOf(shown)) || isBehind(collapseKeyOf(shown));
  }

  #endsAtMs(shown: InboxItem): number {
    const { ms = Number.POSITIVE_INFINITY } = this.#keptOf(shown) ?? {};
    return Math.min(expiresAtMs(shown), atMs(shown) + ms);
  }

  #isTrimmed(shown: InboxItem, reached: Readonly<Record<string, number>>): boolean {
    const { length = Number.POSITIVE_INFINITY } = this.#keptOf(shown) ?? {};
    return shown.offset <= (reached[shown.audience] ?? 0) - length;
  }

  #keptOf({ audience }: InboxItem): KeptByKind[keyof KeptByKind] | undefined {
    if (this.kept === undefined) return undefined;
    if (audience === 'global') return this.kept.global;
    return audience.startsWith('user:') ? this.kept.user : this.kept.department;
  }
}

/** Of one service: services MUST NOT replace each other's. A line break, so that it is no event's key. */
function collapseKeyOf({
  source,
  collapsekey,
}: EventIdentity & { readonly collapsekey?: string | undefined }) {
  return collapsekey === undefined ? undefined : `${source}\n${collapsekey}`;
}
