/** Modules that fail, beside others that do not. */
import { expect, test } from 'vitest';
import { defineModule } from '../../src/core/module.ts';
import { startScene } from '../support/scene.ts';

const fails = () => Promise.reject(new Error('the disk is full'));

test('one that fails keeps no other from hearing that a session, or the server, ends', async () => {
  const heard: string[] = [];
  const well = (name: string) =>
    defineModule({
      name,
      specs: [],
      setup: () => ({
        hooks: { sessionEnded: ({ jid }) => void heard.push(`${name}: ${jid}`) },
        leave: async () => void heard.push(`${name}: leave`),
        stop: async () => void heard.push(`${name}: stop`),
      }),
    });
  const broken = defineModule({
    name: 'broken',
    specs: [],
    setup: () => ({ hooks: { sessionEnded: fails }, leave: fails, stop: fails }),
  });
  const scene = await startScene({
    modules: [well('first'), broken, well('last')],
    accounts: ['romeo@montague.example'],
  });
  const romeo = await scene.connect('romeo@montague.example/orchard');
  await romeo.disconnect();
  await scene.registry.leave();
  await scene.stop();
  expect(heard).toEqual([
    'first: romeo@montague.example/orchard',
    'last: romeo@montague.example/orchard',
    ...['last: leave', 'first: leave', 'last: stop', 'first: stop'],
  ]);
  const { values } = await scene.metrics.errors.get();
  expect(values.map(({ labels, value }) => [labels.area, value])).toEqual([
    ['sessions', 1],
    ['broken', 2],
  ]);
});
