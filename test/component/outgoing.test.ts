import { beforeEach, describe, expect, test } from 'vitest';
import { Outgoing } from '../../src/component/outgoing.ts';
import { parseJid } from '../../src/jid/jid.ts';
import { createLog } from '../../src/kit/log.ts';
import { createMetrics } from '../../src/kit/metrics.ts';
import { iqGet, message } from '../../src/stanza/build.ts';
import { conditionOf } from '../../src/stanza/error.ts';
import type { Stanza } from '../../src/stanza/stanza.ts';
import { el } from '../../src/xml/element.ts';
import { manualClock } from '../support/clock.ts';

function jid(raw: string) {
  const parsed = parseJid(raw);
  if (!parsed.ok) return expect.fail(parsed.why);
  return parsed.value;
}
const parties = { from: jid('romeo@falcot.com/orchard'), to: jid('a@irc.falcot.com') };
const text = (id: string) => ({ ...message({ ...parties, type: 'chat', id }), to: parties.to });

let back: string[];
let settled: string[];
let clock: ReturnType<typeof manualClock>;
let outgoing: Outgoing;
let route: (stanza: Stanza) => Promise<void> | undefined;
beforeEach(() => {
  [back, settled] = [[], []];
  clock = manualClock();
  route = () => undefined;
  outgoing = new Outgoing({
    clock,
    router: {
      route(stanza) {
        back.push(`${stanza.id} ${stanza.to} ${conditionOf(stanza)}`);
        return route(stanza);
      },
      useDomain() {},
    },
    metrics: createMetrics({ process: false }),
    // What is not here is not used.
    story: { isOn: false } as never,
    log: createLog({ level: 'silent' }).area('component'),
  });
});

const add = (id: string, position: number) =>
  void outgoing.add(text(id), position).then(() => settled.push(id));
const turn = () => new Promise((resolve) => setImmediate(resolve));
const returned = (...ids: string[]) =>
  ids.map((id) => `${id} romeo@falcot.com/orchard remote-server-timeout`);

describe('what is on its way to a component', () => {
  test('is settled once the system has taken all of it', async () => {
    for (const [index, id] of ['1', '2', '3'].entries()) add(id, 10 * (index + 1));
    outgoing.taken(9);
    await turn();
    expect(settled).toEqual([]);
    outgoing.taken(25);
    await turn();
    expect(settled).toEqual(['1', '2']);
    outgoing.taken(30);
    await turn();
    expect(settled).toEqual(['1', '2', '3']);
  });

  test('RFC 6120 §8.3.3.17: comes back once if it was not taken, and is settled then', async () => {
    for (const [index, id] of ['1', '2', '3'].entries()) add(id, 10 * (index + 1));
    outgoing.taken(10);
    outgoing.giveBack();
    outgoing.giveBack();
    expect(back).toEqual(returned('2', '3'));
    await turn();
    expect(settled).toEqual(['1', '2', '3']);
  });

  test('is settled when what comes back is on its way', async () => {
    let go = () => {};
    route = () =>
      new Promise((resolve) => {
        go = resolve;
      });
    add('1', 10);
    outgoing.giveBack();
    await turn();
    expect(settled).toEqual([]);
    go();
    await turn();
    expect(settled).toEqual(['1']);
  });

  test('RFC 6120 §8.3.1: an error and a result do not come back', async () => {
    const { id } = iqGet({ ...parties, payload: el('x') });
    const error = { ...message({ ...parties, type: 'error', id }), to: parties.to };
    void outgoing.add(error, 10).then(() => settled.push('error'));
    outgoing.giveBack();
    await turn();
    expect([back, settled]).toEqual([[], ['error']]);
  });

  test('one that cannot be sent back keeps no other from it', async () => {
    route = ({ id }) => {
      if (id === '1') throw new Error('a bug');
      return id === '2' ? Promise.reject(new Error('the disk is full')) : undefined;
    };
    for (const id of ['1', '2', '3']) add(id, 10);
    outgoing.giveBack();
    await turn();
    expect(back).toEqual(returned('1', '2', '3'));
    expect(settled.toSorted()).toEqual(['1', '2', '3']);
  });

  test('tells for how long nothing of it was taken', () => {
    expect(outgoing.stuckFor).toBeUndefined();
    add('1', 10);
    clock.advance(500);
    add('2', 20);
    clock.advance(500);
    expect(outgoing.stuckFor).toBe(1000);
    outgoing.taken(10);
    expect(outgoing.stuckFor).toBe(0);
    clock.advance(300);
    expect(outgoing.stuckFor).toBe(300);
    outgoing.taken(20);
    expect(outgoing.stuckFor).toBeUndefined();
  });
});
