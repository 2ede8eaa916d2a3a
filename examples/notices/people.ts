/** Who works here and where, as the company's directory has it. The office moves people with Carillon. */

export const departments = ['sales', 'support', 'warehouse'] as const;
type Department = (typeof departments)[number];

export interface Subscriber {
  readonly user: string;
  readonly name: string;
  readonly department: Department;
}

export const people: readonly Subscriber[] = [
  { user: 'ada', name: 'Ada', department: 'sales' },
  { user: 'ben', name: 'Ben', department: 'sales' },
  { user: 'chen', name: 'Chen', department: 'support' },
  { user: 'dora', name: 'Dora', department: 'warehouse' },
];

/** All that the office writes to. */
export const audiences: readonly string[] = [
  'global',
  ...departments.map((department) => `department:${department}`),
  ...people.map(({ user }) => `user:${user}`),
];

export function nameOfDepartment(department: string): string {
  return department.charAt(0).toUpperCase() + department.slice(1);
}

export function nameOfAudience(audience: string): string {
  const [kind, id = ''] = audience.split(':');
  if (kind === 'global') return 'Everybody';
  if (kind === 'department') return nameOfDepartment(id);
  return people.find(({ user }) => user === id)?.name ?? id;
}
