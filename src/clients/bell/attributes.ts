/** What pages set on the element, as attributes and as the properties that frameworks prefer. */

/** Where there is no DOM, as in server rendering, it can be imported and not made. */
export class AttributesElement extends (globalThis.HTMLElement ?? Object) {
  /** Of the service. */
  get url(): string {
    return this.getAttribute('url') ?? '';
  }

  set url(url: string) {
    this.setAttribute('url', url);
  }

  /** One that does not change. Tokens end: `getToken` gives fresh ones. */
  get token(): string {
    return this.getAttribute('token') ?? '';
  }

  set token(token: string) {
    this.setAttribute('token', token);
  }

  get open(): boolean {
    return this.hasAttribute('open');
  }

  set open(isOpen: boolean) {
    this.toggleAttribute('open', isOpen);
  }

  /** What was set before the element was defined hides its accessors. */
  protected upgrade(...properties: readonly string[]): void {
    for (const name of properties) {
      if (!Object.hasOwn(this, name)) continue;
      const value: unknown = Reflect.get(this, name);
      Reflect.deleteProperty(this, name);
      Reflect.set(this, name, value);
    }
  }
}
