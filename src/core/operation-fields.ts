/**
 * The kinds of values that operations of the server and of modules take and give, each marked for the faces
 * (the `x-` words of `JsonSchema` in `operation-description.ts`).
 */
import { z } from 'zod';
import type { ValueKind } from './operation-description.ts';

/** What a value is, for the `.meta()` of its schema. */
export const kind = (value: ValueKind) => ({ 'x-kind': value });

/** How many of a list to pass over. */
export const offset = z.int().min(0).default(0).describe('How many to pass over.');
/** How many of a list to give. */
export const limit = (usual: number) =>
  z.int().min(1).max(1000).default(usual).describe('How many to give at most.');

/** Milliseconds since the epoch. */
export const time = z.int().meta(kind('time'));
/** A duration in seconds. */
export const seconds = z.int().min(0).meta(kind('seconds'));
/** A size in bytes. */
export const bytes = z.int().min(0).meta(kind('bytes'));
/** How a finding is to be taken. */
export const level = z.enum(['ok', 'warning', 'error']).meta(kind('level'));
/** How a step is to be taken; `skipped` was not tried. */
export const verdict = z.enum(['ok', 'warning', 'error', 'skipped']).meta(kind('level'));
/** A whole text for a person to read. */
export const wholeText = z.string().meta(kind('text'));

/** A value that people need not see in a table; JSON has it. */
export const hidden = <T extends z.ZodType>(schema: T): T =>
  schema.meta({ ...schema.meta(), 'x-hidden': true });

/** An input that is asked about before it is done; `{field}` stands for an input's value. */
export const confirmed = <T extends z.ZodObject>(schema: T, question: string): T =>
  schema.meta({ 'x-confirm': question });
