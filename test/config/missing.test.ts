/** What a config names for certificates, and is not there. */
import { expect, test } from 'vitest';
import { formatFault } from '../../src/config/check.ts';
import { findMissing } from '../../src/config/missing.ts';
import { loaded } from './support.ts';

/** What is found, without the folder of the test. */
async function missingIn(files: Readonly<Record<string, string>>) {
  const config = await loaded(files);
  const { faults, warnings } = await findMissing(config);
  const told = (all: typeof faults) =>
    all.map((each) => formatFault(each).replaceAll(`${config.config.folder}/`, ''));
  return { faults: told(faults), warnings: told(warnings) };
}

const HOST = 'virtualHost: falcot.com\nssl:\n  key: here.pem\n  certificate: gone.pem\n';

test('files and folders of certificates are told with their places, kinds and all', async () => {
  const found = await missingIn({
    'rtcd.yaml': 'certificates:\n  - conf.d\n  - /nowhere/at/all\n  - here.pem\n',
    'conf.d/a.yaml': HOST,
    'here.pem': 'x',
  });
  expect(found).toEqual({
    faults: [],
    warnings: [
      'rtcd.yaml:3:5 certificates[1]: /nowhere/at/all: there is no such folder',
      'rtcd.yaml:4:5 certificates[2]: here.pem: is no folder',
      'conf.d/a.yaml:4:3 ssl.certificate: gone.pem: there is no such file',
    ],
  });
});

test('an authority that cannot be read is a fault, since a reload is refused by it', async () => {
  const found = await missingIn({
    'rtcd.yaml': 's2s:\n  authorities: conf.d\ncertificates: /nowhere\n',
    'conf.d/a.yaml': 'virtualHost: falcot.com\n',
  });
  expect(found).toEqual({
    faults: ['rtcd.yaml:2:3 s2s.authorities: conf.d: is a folder, not a file'],
    warnings: ['rtcd.yaml:3:1 certificates: /nowhere: there is no such folder'],
  });
});

test('what is so by default may be missing, though a copy of the example writes it down', async () => {
  expect(
    await missingIn({
      'rtcd.yaml': 'certificates: [/etc/letsencrypt]\n',
      'conf.d/a.yaml': 'virtualHost: falcot.com\n',
    }),
  ).toEqual({ faults: [], warnings: [] });
  expect(await missingIn({ 'conf.d/a.yaml': 'virtualHost: falcot.com\n' })).toEqual({
    faults: [],
    warnings: [],
  });
});
