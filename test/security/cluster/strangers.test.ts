/** Who has no member's key, or a member's on another layer than ours: at the door, in the gossip. Three nodes must all go on. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Stream } from '@libp2p/interface';
import { rogueVoter, pour, Siege, type Foothold, type Victim } from '../../support/attack.ts';
import { eventually } from '../../support/cluster.ts';
import { handshakesMax } from '../../../node/network/bounds.ts';

const strangerSeed = new Uint8Array(32).fill(99);

/** A line of multistream-select: its length, and a line feed at its end. */
function line(text: string): Buffer {
  return Buffer.concat([Buffer.of(text.length + 1), Buffer.from(`${text}\n`)]);
}

/** A field of protobuf with wire type 2. */
function field(number: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.of((number << 3) | 2), varint(body.length), body]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.of(...bytes, rest);
}

function prefixed(rpc: Uint8Array): Buffer {
  return Buffer.concat([varint(rpc.length), rpc]);
}

function repeated(piece: Uint8Array, count: number): Uint8Array {
  return Uint8Array.from(Buffer.concat(Array.from({ length: count }, () => piece)));
}

describe('three voters that commit, while somebody', function withStrangers() {
  this.timeout(300_000);
  let siege: Siege;
  let sockets: Socket[] = [];

  before(async () => {
    siege = await Siege.lay('strangers');
  });

  after(async () => siege.lift());
  beforeEach(async () => siege.begin());
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    await siege.end();
  });

  const knock = async (victim: Victim): Promise<Socket> => {
    const socket = connect({ port: siege.portOf(victim), host: '127.0.0.1' });
    sockets.push(socket);
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };

  const isHungUp = async (socket: Socket): Promise<void> => {
    socket.resume();
    await eventually('it is closed', () => Promise.resolve(socket.destroyed ? true : null));
  };

  it("with no member's key comes through the handshake: refused (stranger)", async () => {
    const rogue = await siege.rogueAs(strangerSeed);
    await siege.dial(rogue, 'hospital').catch(() => null);
    await siege.isCounted('hospital', 'stranger');
    await eventually('it is closed', () =>
      Promise.resolve(rogue.host.getConnections().length === 0 ? true : null),
    );
  });

  it('makes one handshake after the other: each refused (stranger)', async () => {
    const rogue = await siege.rogueAs(strangerSeed);
    const churn = async (): Promise<void> => {
      for (let round = 0; round < 20; round += 1) {
        const connection = await siege.dial(rogue, 'clinic').catch(() => null);
        connection?.abort(new Error('enough'));
      }
    };
    await Promise.all([churn(), churn(), churn(), siege.isCounted('clinic', 'stranger')]);
  });

  it('makes proposals before the handshake without end: cut (handshakeTooLong)', async () => {
    const socket = await knock('pharmacy');
    socket.write(line('/multistream/1.0.0'));
    const proposals = repeated(line('/nobody/1'), 10_000);
    socket.write(proposals);
    await siege.isCounted('pharmacy', 'handshakeTooLong');
    await isHungUp(socket);
  });

  it('speaks another protocol, or none, or gets stuck in the handshake: hung up', async () => {
    const noise = Buffer.concat([
      line('/multistream/1.0.0'),
      line('/noise'),
      Buffer.of(0, 100),
      Buffer.alloc(100, 7),
    ]);
    const openings = [
      Buffer.alloc(3_000, 0xff),
      Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n'),
      noise,
    ];
    const held = await Promise.all(
      openings.map(async (bytes) => {
        const socket = await knock('hospital');
        socket.write(bytes);
        return socket;
      }),
    );
    await Promise.all(held.map(isHungUp));
  });

  it('holds every place at the door and says nothing: the doors open again, and peers are kept meanwhile', async () => {
    const held = await Promise.all(Array.from({ length: handshakesMax + 20 }, async () => knock('clinic')));
    await siege.commitsGoOn();
    await Promise.all(held.map(isHungUp));
    await siege.join('clinic');
  });

  /** A second gossip stream, which takes the place of the one that libp2p opened. */
  const gossipStream = async (foothold: Foothold): Promise<Stream> =>
    foothold.connection.newStream('/meshsub/1.1.0');

  /** Frames of gossipsub's RPC, and how often. */
  const floods: readonly (readonly [string, Victim, () => Uint8Array])[] = [
    ['gossips frames with nothing in them', 'hospital', () => prefixed(new Uint8Array(0))],
    ['gossips frames that are no RPC', 'clinic', () => prefixed(new Uint8Array(40).fill(0xff))],
    [
      'subscribes to everything, again and again',
      'pharmacy',
      () => {
        const topic = (index: number): Buffer => field(2, Buffer.from(`/topic/${index}`));
        return prefixed(
          Buffer.concat(Array.from({ length: 8 }, (_, index) => field(1, Buffer.of(8, 1), topic(index)))),
        );
      },
    ],
    [
      'has messages that nobody has (IHAVE)',
      'hospital',
      () => {
        const ids = Array.from({ length: 100 }, (_, index) => field(2, Buffer.alloc(32, index)));
        return prefixed(field(3, field(1, field(1, Buffer.from(siege.names.batches)), ...ids)));
      },
    ],
    [
      'wants messages that nobody has (IWANT)',
      'clinic',
      () =>
        prefixed(
          field(3, field(2, ...Array.from({ length: 60 }, (_, index) => field(1, Buffer.alloc(32, index))))),
        ),
    ],
    [
      'gossips one message again and again',
      'pharmacy',
      () => prefixed(field(2, field(2, Buffer.alloc(2_000, 1)), field(4, Buffer.from('/topic/nobody')))),
    ],
  ];
  for (const [what, victim, frame] of floods) {
    it(`with a member's key ${what}: dropped (gossipFlood)`, async () => {
      const foothold = await siege.join(victim);
      const stream = await gossipStream(foothold);
      const piece = repeated(frame(), 50);
      await pour(stream, piece, 400);
      await siege.isDropped(victim, foothold, 'gossipFlood');
    });
  }

  it("with a member's key opens gossip streams without end: the newest counts, the rest are closed", async () => {
    const foothold = await siege.join('hospital');
    const opened = await Promise.all(
      Array.from({ length: 100 }, () => gossipStream(foothold).catch(() => null)),
    );
    await siege.commitsGoOn();
    assert.ok(opened.some((stream) => stream === null || stream.status !== 'open'));
  });

  it(`with the key of ${rogueVoter} has done all of this: nothing is lost, and memory is as it was`, async () => {
    await siege.assertUnharmed();
  });
});
