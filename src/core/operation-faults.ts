/** What is wrong with the input of an operation, for a person. */
import type { z } from 'zod';

/**
 * The faults of fields by their names. Of a list, the text says which item it is about.
 * @param given the input as it came
 * @param domains those that are served, of which examples are made
 */
export function fieldFaults(
  error: z.ZodError,
  given: unknown,
  domains: readonly string[],
): Record<string, string> {
  const faults: Record<string, string> = {};
  for (const issue of error.issues) {
    const [index] = issue.path.filter((part) => typeof part === 'number');
    const path = issue.path.slice(0, index === undefined ? undefined : issue.path.indexOf(index));
    const field = path.join('.') || 'input';
    const text = loneText(issue, domains) ?? faultText(issue);
    const told = index === undefined ? text : ofItem(text, listIn(given, field), index);
    faults[field] = faults[field] === undefined ? told : `${faults[field]}; ${told}`;
  }
  return faults;
}

/** What is wrong, for a person: in words of the schema, or in ours where it has none. */
export function faultText(issue: z.core.$ZodIssue): string {
  const isOurs = issue.message.startsWith('Invalid ');
  if (isOurs && issue.code === 'invalid_type') return `It is ${kindText(issue.expected)}.`;
  if (isOurs && issue.code === 'invalid_value') return `It is one of ${issue.values.join(', ')}.`;
  if (!/^Too (small|big):/.test(issue.message)) return issue.message;
  if (issue.code === 'too_small') return boundText('at least', issue.minimum, issue.origin);
  return issue.code === 'too_big'
    ? boundText('at most', issue.maximum, issue.origin)
    : issue.message;
}

/** Who names an account by one of its parts (`config/fields.ts`) is shown how it looks with a domain that we have. */
function loneText(issue: z.core.$ZodIssue, [first, ...others]: readonly string[]) {
  const lone: unknown = issue.code === 'custom' ? issue.params?.['lone'] : undefined;
  if (typeof lone !== 'string' || first === undefined) return undefined;
  return [first, ...others].includes(lone)
    ? `'${lone}' is not the address of an account: it needs a name, such as joe@${lone}`
    : `'${lone}' is not the address of an account: it needs a domain, such as ${lone}@${first}`;
}

/** A longer text of an item is not shown again. */
const MOST_SHOWN = 100;

/** The text of an item of a list: which one it is, and what stands there. */
function ofItem(text: string, list: readonly unknown[], index: number): string {
  const item = list[index];
  const shown = typeof item === 'string' && item.length <= MOST_SHOWN ? `'${item}'` : '';
  const place = list.length < 2 ? '' : `number ${index + 1} of ${list.length}`;
  const which = shown !== '' && place !== '' ? `${shown} (${place})` : `${shown}${place}`;
  if (which === '') return text;
  if (shown !== '' && text.includes(shown)) return text.replace(shown, () => which);
  return /^[a-z]/.test(text) ? `${which} ${text}` : `${which}: ${text}`;
}

function listIn(given: unknown, field: string): readonly unknown[] {
  const list: unknown =
    typeof given === 'object' && given !== null ? Reflect.get(given, field) : undefined;
  return Array.isArray(list) ? list : [];
}

const KINDS: Readonly<Record<string, string>> = {
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  array: 'a list',
};

const kindText = (expected: string) => KINDS[expected] ?? expected;

function boundText(way: 'at least' | 'at most', bound: number | bigint, origin: string): string {
  if (origin === 'string')
    return way === 'at least' && bound === 1
      ? 'Something has to be written here.'
      : `It has ${way} ${bound} characters.`;
  return origin === 'array' ? `There are ${way} ${bound}.` : `It is ${way} ${bound}.`;
}
