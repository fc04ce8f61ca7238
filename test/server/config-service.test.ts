import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { createConfigService } from '../../src/server/config-service.ts';
import { folderWith, host } from '../config/support.ts';

test('the file in force is gone: that is a fault, and no other file or default takes its place', async () => {
  const folder = await folderWith({ 'rtcd.yaml': 'admins: [a@b]', 'conf.d/a.yaml': host });
  const options = { env: {}, cwd: folder, sections: { server: {}, modules: [] } };
  const loaded = await loadConfig(options);
  if (!loaded.ok) throw new Error('it has faults');
  const service = createConfigService(loaded, options);
  const file = join(folder, 'rtcd.yaml');
  await rename(file, `${file}.old`);
  const missing = { file, message: 'there is no such file' };
  expect(await service.reload()).toMatchObject({ ok: false, faults: [missing] });
  expect(await service.check()).toMatchObject({ faults: [missing] });
  expect(service.current().server.admins).toEqual(['a@b']);
  await writeFile(file, 'admins: [c@d]');
  expect(await service.reload()).toMatchObject({ ok: true });
  expect(service.current().server.admins).toEqual(['c@d']);
});

test('without a file, one that is there by now is taken', async () => {
  const folder = await folderWith({ 'conf.d/a.yaml': host });
  const options = { env: {}, cwd: folder, sections: { server: {}, modules: [] } };
  const loaded = await loadConfig(options);
  if (!loaded.ok) throw new Error('it has faults');
  const service = createConfigService(loaded, options);
  await writeFile(join(folder, 'rtcd.yaml'), 'admins: [a@b]');
  expect(await service.reload()).toMatchObject({ ok: true });
  expect(service.current().server.admins).toEqual(['a@b']);
});

test('what needs a new start stays in force until then, and is told at each reload', async () => {
  const folder = await folderWith({ 'rtcd.yaml': 'data: one', 'conf.d/a.yaml': host });
  const options = { env: {}, cwd: folder, sections: { server: {}, modules: [] } };
  const loaded = await loadConfig(options);
  if (!loaded.ok) throw new Error('it has faults');
  const service = createConfigService(loaded, options);
  const { server } = loaded.config;
  await writeFile(
    join(folder, 'rtcd.yaml'),
    'data: two\nhttp: { hsts: 0 }\nlog: { level: warn, format: json }',
  );
  for (const level of [['log.level'], []]) {
    const late = ['data', 'adminSocket', 'log.format', 'http.hsts'].map(
      (key) => `${key} (when rtcd is restarted)`,
    );
    const outcome = await service.reload();
    expect(outcome.ok && outcome.changed.toSorted()).toEqual([...late, ...level].toSorted());
    expect(service.current().server).toEqual({ ...server, log: { ...server.log, level: 'warn' } });
  }
});
