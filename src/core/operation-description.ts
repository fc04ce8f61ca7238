/**
 * An operation as plain JSON: what a face needs to offer it without knowing its code. The HTTP face
 * answers `GET /api/operations` with it; `rtcctl` derives its commands, help and completion from it.
 */
import { z } from 'zod';
import type { AnyOperation } from './operation.ts';

/**
 * A JSON schema (draft 2020-12), as far as faces read it. The `x-` words are set by `.meta()` of the
 * operations' schemas, for which `operation-fields.ts` and `operations/fields.ts` have all that is needed.
 */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** What a value means beyond its type, so that a person is shown it in his terms. */
  readonly 'x-kind'?: ValueKind;
  /** Left out where a person reads; JSON has it. */
  readonly 'x-hidden'?: boolean;
  /** On an input: the question to ask before it is done, with `{field}` for an input's value. */
  readonly 'x-confirm'?: string;
}

/**
 * What a value is: `time` ms since the epoch, `seconds` a duration, `bytes` a size, `level` one of
 * ok, warning, error and skipped, `jid` a JID, `domain` a domain that is served, `new-password` a
 * password that is being set, `file` the text of a file that a person names, `source` the whole path of a
 * file on the machine of the server that is read, or `-` for bytes that are sent along, `target` that of one
 * that is written, or `-` where the answer is to be it, `text` a whole text to read.
 */
export type ValueKind =
  | 'time'
  | 'seconds'
  | 'bytes'
  | 'level'
  | 'jid'
  | 'domain'
  | 'new-password'
  | 'file'
  | 'source'
  | 'target'
  | 'text';

/** An operation without its code. */
export interface OperationDescription {
  readonly name: string;
  readonly command: readonly string[];
  readonly summary: string;
  readonly effect: 'read' | 'change' | 'watch';
  readonly offline: boolean;
  readonly isSlow: boolean;
  readonly positional: readonly string[];
  readonly secret: readonly string[];
  readonly input: JsonSchema;
  /** Of the value; of one of the values for a `watch`. */
  readonly output: JsonSchema;
}

/** The name by which a stopped server's program is asked for the descriptions of all operations. */
export const DESCRIBE_ALL = 'operations.describe';

/** Describes an operation. */
export function describeOperation(operation: AnyOperation): OperationDescription {
  const { name, command, summary, effect, offline, isSlow, positional, secret } = operation;
  const { input, output } = operation;
  return {
    name,
    command,
    summary,
    effect,
    offline,
    isSlow,
    positional,
    secret,
    input: schemaOf(input, 'input'),
    output: schemaOf(output, 'output'),
  };
}

/** The JSON schema of a schema; a part that JSON schema cannot say is left open. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...said } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  // JsonSchema is the part of the draft that zod writes for the schemas of operations.
  return said as JsonSchema;
}
