/** The user's marks of what had not come yet when the session began: it comes live, and live ones bear no marks. */
import type { Ahead, Flags } from '../../contract/inbox.ts';
import type { Notification } from './notification.ts';

export class AheadMarks {
  #ahead: Ahead = {};

  begin(ahead: Ahead = {}): void {
    this.#ahead = ahead;
  }

  /** A notification's marks; those that it bears count. */
  flagsOf({ audience, offset, ...borne }: Pick<Notification, 'audience' | 'offset'> & Partial<Flags>): Flags {
    const marks = this.#ahead[audience];
    const isIn = (ranges: readonly (readonly [number, number])[] = []) =>
      ranges.some(([first, last]) => first <= offset && offset <= last);
    return {
      seen: borne.seen ?? isIn(marks?.seen),
      read: borne.read ?? isIn(marks?.read),
      archived: borne.archived ?? isIn(marks?.archived),
    };
  }
}
