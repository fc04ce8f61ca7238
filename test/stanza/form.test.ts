import { describe, expect, test } from 'vitest';
import {
  firstValueOf,
  formElement,
  isTrue,
  jidsOf,
  mergedReports,
  readForm,
  valuesOf,
} from '../../src/stanza/form.ts';
import { serialise } from '../../src/xml/element.ts';
import { parseElement } from '../../src/xml/parse.ts';

function read(xml: string) {
  const parsed = parseElement(xml);
  if (!parsed.ok) throw new Error(parsed.fault.text);
  return readForm(parsed.element);
}

const submit = (fields: string) => read(`<x xmlns='jabber:x:data' type='submit'>${fields}</x>`);

describe('XEP-0004', () => {
  test('what is built is read', () => {
    const form = {
      type: 'form',
      formType: 'jabber:iq:register',
      title: 'Join <us>',
      instructions: ['one', 'two'],
      fields: [
        { name: '', type: 'fixed', values: ['About you'] },
        { name: 'username', type: 'text-single', label: 'Name', isRequired: true, values: [] },
        {
          name: 'colour',
          type: 'list-single',
          values: ['red'],
          options: [{ label: 'Red', value: 'red' }, { value: 'blue' }],
        },
      ],
    } as const;
    const xml = serialise(formElement(form));
    expect(xml).toContain(
      '<field var="FORM_TYPE" type="hidden"><value>jabber:iq:register</value></field>',
    );
    const plain = { label: undefined, isRequired: false, options: [] };
    expect(read(xml)).toEqual({
      ...form,
      fields: [
        { ...plain, ...form.fields[0] },
        { ...plain, ...form.fields[1] },
        {
          ...plain,
          ...form.fields[2],
          options: [
            { label: 'Red', value: 'red' },
            { label: undefined, value: 'blue' },
          ],
        },
      ],
    });
  });

  test('§3.2 a field may leave its type out', () => {
    expect(submit("<field var='a'><value>1</value></field>")?.fields[0]).toMatchObject({
      name: 'a',
      type: undefined,
      values: ['1'],
    });
  });

  test.each([
    ['no type', "<x xmlns='jabber:x:data'/>"],
    ['another type', "<x xmlns='jabber:x:data' type='ask'/>"],
    ['another namespace', "<x xmlns='urn:x' type='form'/>"],
    ['§3.2 a field without var', "<x xmlns='jabber:x:data' type='submit'><field/></x>"],
    [
      '§3.2 a var twice',
      "<x xmlns='jabber:x:data' type='submit'><field var='a'/><field var='a'/></x>",
    ],
  ])('%s is no form', (_, xml) => {
    expect(read(xml)).toBeUndefined();
  });

  test('values by name', () => {
    const form = submit(
      "<field var='list'><value>a</value><value>b</value></field><field var='empty'/>" +
        "<field var='yes'><value>1</value></field><field var='no'><value>false</value></field>" +
        "<field var='who'><value>Romeo@Example.net</value></field>",
    );
    if (form === undefined) throw new Error('not a form');
    expect(valuesOf(form, 'list')).toEqual(['a', 'b']);
    expect(valuesOf(form, 'empty')).toEqual([]);
    expect(valuesOf(form, 'absent')).toBeUndefined();
    expect(firstValueOf(form, 'list')).toBe('a');
    expect(firstValueOf(form, 'empty')).toBeUndefined();
    expect(['yes', 'no', 'list', 'absent'].map((name) => isTrue(form, name))).toEqual([
      ...[true, false, undefined, undefined],
    ]);
    expect(jidsOf(form, 'who')).toEqual(['romeo@example.net']);
    expect(jidsOf(form, 'empty')).toEqual([]);
    expect(jidsOf(form, 'absent')).toBeUndefined();
    expect(jidsOf({ ...form, fields: [{ name: 'who', values: ['@'] }] }, 'who')).toBeUndefined();
  });
});

describe('XEP-0485 §8.2', () => {
  const report = (formType: string, ...names: string[]) => {
    const fields = names.map((name) => ({ name, values: [`${formType} ${name}`] }));
    return formElement({ type: 'result', formType, fields });
  };

  test('reports of one FORM_TYPE are made one, where the first of them stands', () => {
    const merged = mergedReports([report('a', 'x', 'y'), report('b', 'x'), report('a', 'y', 'z')]);
    expect(merged.map(serialise)).toEqual(
      [report('a', 'x', 'y', 'z'), report('b', 'x')].map(serialise),
    );
  });

  test('others stay as they are', () => {
    const alone = [report('a', 'x'), formElement({ type: 'result', fields: [] }), report('b', 'x')];
    expect(mergedReports(alone)).toEqual(alone);
  });
});
