/** Members of a running devnet come in, become voters and leave, by the commands and methods that people use. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Supervisor } from '../../devnet/supervisor.ts';
import type { MemberChange } from '../../protocol/motion.ts';
import { eventually, runCommand, runningNames } from './cluster.ts';

/** Whoever waits for a machine that is busy with other things loses nothing. */
const writeOptions = { timeoutMs: 60_000 };

async function commandOf(devnet: Supervisor, name: string, parameters: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(devnet.node(name).home, parameters);
  assert.equal(exitCode, 0, `${name}: ${parameters.join(' ')}: ${stderr}`);
  return stdout.trim();
}

/** These vote for a motion, one after the other; once it is decided it takes no more votes. */
export async function approve(devnet: Supervisor, motionId: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { status } = await devnet
      .client(name)
      .call('member_vote', { motionId, approve: true, ...writeOptions });
    assert.equal(status, 'committed', `the vote of ${name}`);
  }
}

/** A motion about a member, final and open; its id. */
export async function propose(
  devnet: Supervisor,
  by: string,
  motion: { readonly change: MemberChange; readonly member: string },
): Promise<string> {
  const { status, motionId } = await devnet.client(by).call('member_propose', { ...motion, ...writeOptions });
  assert.equal(status, 'committed');
  return motionId;
}

/** Invited by `inviter`, a newcomer installs the genesis, its node knocks, and `approving` vote it in. Resolves when it has caught up. */
export async function admit(
  devnet: Supervisor,
  newcomer: string,
  order: { readonly inviter: string; readonly approving: readonly string[] },
): Promise<void> {
  const { inviter, approving } = order;
  const inviting = devnet.client(inviter);
  const { roles } = devnet.consortium.members.find(({ name }) => name === newcomer)?.member ?? { roles: [] };
  const ticket = await inviting.call('member_invite', { name: newcomer, roles: roles });
  const ticketFile = join(devnet.directory, `${newcomer}-ticket.json`);
  writeFileSync(ticketFile, JSON.stringify(ticket));
  const transaction = await commandOf(devnet, newcomer, ['member', 'accept', ticketFile]);
  await commandOf(devnet, newcomer, ['genesis', 'install', devnet.genesisFile, '--joining']);
  const starting = devnet.start(newcomer);
  const { status, motionId } = await inviting.call('member_join', { transaction, ...writeOptions });
  assert.equal(status, 'committed');
  await approve(devnet, motionId, approving);
  await starting;
  await devnet.waitUntilReady(newcomer);
}

/** An observer says that it is in step, and `approving` make a voter of it. Resolves when every running node is in the next epoch. */
export async function promote(
  devnet: Supervisor,
  member: string,
  order: { readonly by: string; readonly approving: readonly string[] },
): Promise<void> {
  const { by, approving } = order;
  const { status } = await devnet.client(member).call('member_ready', writeOptions);
  assert.equal(status, 'committed');
  const epoch = await epochOf(devnet, by);
  await approve(devnet, await propose(devnet, by, { change: 'promote', member }), approving);
  await inEpoch(devnet, epoch + 1);
}

/** Resolves when every running node is in this epoch. */
export async function inEpoch(devnet: Supervisor, epoch: number): Promise<void> {
  for (const name of runningNames(devnet)) {
    await eventually(`${name} is in epoch ${epoch}`, async () =>
      (await epochOf(devnet, name)) === epoch ? true : null,
    );
  }
}

export async function epochOf(devnet: Supervisor, name: string): Promise<number> {
  return (await devnet.client(name).call('member_list', {})).epoch;
}

export async function votersOf(devnet: Supervisor, name: string): Promise<readonly string[]> {
  const { voters } = await devnet.client(name).call('member_list', {});
  return voters.names;
}
