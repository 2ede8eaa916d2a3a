/** The personnel office's service: publishes notices, and gives people departments as an operator of Carillon. */
import { z } from 'zod';
import type { Story } from '../support/story.ts';
import { audiences, departments, people } from './people.ts';

const noticeSchema = z.object({
  to: z.enum([...audiences], 'choose who it is for'),
  title: z.string().trim().min(1, 'say what it is about').max(200),
});

const moveSchema = z.object({
  user: z.enum(people.map(({ user }) => user)),
  department: z.enum(departments),
});

/** `opsUrl`: of Carillon's port for operators. */
export function openOffice(story: Story, opsUrl: string): void {
  story.answer('send', async (body) => {
    const { to, title } = parse(noticeSchema, body);
    const severity = to === 'global' ? 'warning' : 'info';
    return { id: await story.publish({ type: 'notice.posted', audience: to, severity, data: { title } }) };
  });
  // The tokens that people have already say otherwise: what is given counts in place of it, at once.
  story.answer('move', async (body) => {
    const { user, department } = parse(moveSchema, body);
    const token = await story.token('personnel-office', { scope: 'admin' });
    const response = await fetch(`${opsUrl}/admin/users/${user}/departments`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ departments: [department] }),
    });
    if (!response.ok) throw new Error(`not moved: ${response.status} ${await response.text()}`);
  });
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const { success, data, error } = schema.safeParse(body);
  if (!success) throw new Error(error.issues.map(({ message }) => message).join(', '));
  return data;
}
