/** A process that may open no more files says so in its log and in its health, and says when it is over. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { healthSchema } from '../../../../src/contract/health.ts';
import { startCarillon } from '../../../support/carillon.ts';
import { findOnPath } from '../../../support/programs.ts';
import { until } from '../../../support/until.ts';

const prlimit = findOnPath('prlimit');

test.skipIf(prlimit === undefined)(
  'file descriptors run out, and are there again',
  { timeout: 90_000 },
  async () => {
    const carillon = await startCarillon({});
    const limit = (softLimit: number) =>
      execFileSync(prlimit ?? '', ['--pid', String(carillon.pid), `--nofile=${softLimit}:`]);
    const has = (text: string) => carillon.output.some((line) => line.includes(text));
    const part = async () => {
      const report = healthSchema.parse(await (await fetch(`${carillon.opsUrl}/health/ready`)).json());
      return report.parts?.file_descriptors;
    };
    expect(await part()).toEqual({ ok: true });
    const open = readdirSync(`/proc/${carillon.pid}/fd`).length;
    limit(open + 5);
    const { port } = new URL(carillon.url);
    const sockets: Socket[] = Array.from({ length: 30 }, () => {
      const socket = connect(Number(port), '127.0.0.1');
      socket.on('error', () => {});
      return socket;
    });
    await until('the log to say so', 30_000, () => has('"code":"no_file_descriptors"'));
    for (const socket of sockets) socket.destroy();
    limit(open + 1_000);
    await until('the log to say that it is over', 30_000, () => has('there are file descriptors again'));
    expect(await part()).toEqual({ ok: true });
    await carillon.stop();
  },
);
