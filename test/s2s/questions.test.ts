/** What was asked by dialback, and what becomes of it when the stream ends. */
import { expect, test } from 'vitest';
import { dialbackFailure } from '../../src/s2s/failure.ts';
import { Questions } from '../../src/s2s/questions.ts';
import { manualClock } from '../support/clock.ts';

/** The failure of a question on a stream that ends so. */
async function failureBy(end: (questions: Questions) => void) {
  const questions = new Questions(manualClock());
  const asked = questions.ask('result a b', () => {});
  end(questions);
  const answer = await asked;
  if (answer.type === 'valid') expect.fail('valid');
  // Who asks later hears the same.
  expect(await questions.ask('result c d', () => expect.fail('asked'))).toEqual(answer);
  return dialbackFailure(answer, 'it says not-authorized: certificate has expired');
}

test('XEP-0220 §2.1: a stream that breaks meanwhile is tried again', async () => {
  const failure = await failureBy((questions) => questions.end('the connection broke'));
  expect(failure).toMatchObject({ condition: 'remote-server-timeout', isLasting: false });
});

test.each([
  ['not-authorized', true],
  ['policy-violation', true],
  ['system-shutdown', false],
  ['resource-constraint', false],
])('a stream that the other side ends by %s: lasting is %s', async (condition, isLasting) => {
  const failure = await failureBy((questions) => {
    questions.end(`it says ${condition}`, condition);
    questions.end('the socket is closed');
  });
  expect(failure).toMatchObject({ condition: 'remote-server-timeout', isLasting });
  expect(failure.text).toMatch(new RegExp(`${condition}.*certificate has expired`));
});
