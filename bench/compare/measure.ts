/**
 * Makes one measurement, in a process separate from the server's. The job is its argument; it returns the figures by
 * IPC.
 */
import { type Figures, type Job, jobSchema } from './job.ts';
import { rest, sessions, storm } from './works/connections.ts';
import { burst, toUsers } from './works/end-to-end.ts';
import { fanOut } from './works/fan-out.ts';
import { latency } from './works/latency.ts';
import { restart } from './works/restart.ts';

const job = jobSchema.parse(JSON.parse(process.argv[2] ?? ''));
const figures = await figuresOf(job);
process.send?.(figures, () => process.exit(0));

async function figuresOf(job: Job): Promise<Figures> {
  const { plan } = job;
  switch (plan.kind) {
    case 'fan-out':
      return await fanOut(job, plan);
    case 'to-users':
      return await toUsers(job, plan);
    case 'burst':
      return await burst(job, plan);
    case 'rest':
      return await rest(job, plan);
    case 'storm':
      return await storm(job, plan);
    case 'sessions':
      return await sessions(job, plan);
    case 'restart':
      return await restart(job, plan);
    case 'latency':
      return await latency(job, plan);
  }
}
