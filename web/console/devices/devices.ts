/** The simulated devices of this page. Which there are outlives a reload of the tab; what they hold does not. */
import { computed, effect, signal } from '@preact/signals';
import type { About, Answer, Api } from '../api.ts';
import { isJsonObject, type JsonObject, textAt, textsAt } from '../json-object.ts';
import { readProblem } from '../problem.ts';
import { Device, type Identity } from './device.ts';

interface Plan {
  readonly name: string;
  readonly identity: Identity;
  readonly topics: readonly string[];
}

const KEY = 'carillon console devices';
const NAMES = ['Laptop', 'Phone', 'Tablet', 'Watch', 'Desk screen', 'Old phone'];

const FIRST: readonly Plan[] = [
  { name: 'Laptop', identity: { user: 'ada', departments: ['sales'], token: '' }, topics: [] },
  {
    name: 'Phone',
    identity: { user: 'grace', departments: ['engineering'], token: '' },
    topics: ['ticker.btc-usd'],
  },
];

export class Devices {
  readonly all = signal<readonly Device[]>([]);
  readonly unseen = computed(() => this.all.value.reduce((sum, { inbox }) => sum + inbox.value.unseen, 0));
  readonly #api: Api;
  #about: About | undefined;

  constructor(api: Api) {
    this.#api = api;
  }

  /** MUST be called once, when it is known where the gateway is. */
  open(about: About): void {
    this.#about = about;
    this.all.value = storedPlans().flatMap((plan) => this.#make(plan) ?? []);
    effect(() => sessionStorage.setItem(KEY, JSON.stringify(this.all.value.map(planOf))));
  }

  /** Whether devices can connect at all. */
  get canAdd(): boolean {
    return this.#about?.gatewayUrl !== undefined;
  }

  /** Whether the service makes their tokens. */
  get canSign(): boolean {
    return this.#about?.canSign ?? false;
  }

  add(identity: Identity): void {
    const taken = new Set(this.all.value.map(({ name }) => name));
    const name = NAMES.find((one) => !taken.has(one)) ?? `Device ${this.all.value.length + 1}`;
    const device = this.#make({ name, identity, topics: [] });
    if (device !== undefined) this.all.value = [...this.all.value, device];
  }

  remove(device: Device): void {
    device.remove();
    this.all.value = this.all.value.filter((other) => other !== device);
  }

  #make(plan: Plan): Device | undefined {
    const { gatewayUrl } = this.#about ?? {};
    if (gatewayUrl === undefined) return undefined;
    return new Device({ ...plan, gatewayUrl, tokenOf: (identity) => this.#tokenOf(identity) });
  }

  async #tokenOf({ user, departments }: Identity): Promise<Answer<string>> {
    if (this.canSign) return await this.#api.deviceToken(user, departments);
    const detail =
      'The service verifies tokens with keys that it does not have itself. Edit the device and paste one.';
    return { ok: false, problem: readProblem(409, { code: 'cannot_sign', title: 'No token', detail }) };
  }
}

function planOf({ name, identity, topics }: Device): Plan {
  return { name, identity: identity.value, topics: topics.value.map(({ topic }) => topic) };
}

function storedPlans(): readonly Plan[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');
    return Array.isArray(stored) ? stored.filter(isJsonObject).map(readPlan) : FIRST;
  } catch {
    return FIRST;
  }
}

function readPlan(plan: JsonObject): Plan {
  const identity = isJsonObject(plan.identity) ? plan.identity : {};
  return {
    name: textAt(plan, 'name') ?? 'Device',
    identity: {
      user: textAt(identity, 'user') ?? 'ada',
      departments: textsAt(identity, 'departments') ?? [],
      token: textAt(identity, 'token') ?? '',
    },
    topics: textsAt(plan, 'topics') ?? [],
  };
}
