/** The operations as an OpenAPI 3.1 document, for programs that are not ours. */
import type { AnyOperation } from '../core/operation.ts';
import { describeOperation } from '../core/operation-description.ts';

const FAILURE = {
  type: 'object',
  required: ['ok', 'why', 'text'],
  properties: {
    ok: { const: false },
    why: {
      enum: [
        'unknown-operation',
        'invalid-input',
        'forbidden',
        'not-found',
        'conflict',
        'refused',
        'unavailable',
        'internal',
      ],
    },
    text: { type: 'string', description: 'A sentence for the admin.' },
    fields: {
      type: 'object',
      additionalProperties: { type: 'string' },
      description: 'The fault of each field.',
    },
  },
} as const;

function pathOf(operation: AnyOperation) {
  const { summary, effect, name, command, input, output } = describeOperation(operation);
  const answer =
    effect === 'watch'
      ? { 'application/x-ndjson': { schema: output } }
      : {
          'application/json': {
            schema: {
              type: 'object',
              required: ['ok', 'value'],
              properties: { ok: { const: true }, value: output },
            },
          },
        };
  return {
    post: {
      operationId: name,
      summary,
      description: `As a command: rtcctl ${command.join(' ')}`,
      tags: [name.split('.')[0] ?? name],
      'x-effect': effect,
      requestBody: { content: { 'application/json': { schema: input } } },
      responses: {
        '200': { description: 'Done.', content: answer },
        default: {
          description: 'Not done, and why.',
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Failure' } } },
        },
      },
    },
  };
}

/** The OpenAPI document of all operations. */
export function openApi(operations: readonly AnyOperation[], version: string): object {
  const paths = operations.map((each) => [`/api/operations/${each.name}`, pathOf(each)] as const);
  return {
    openapi: '3.1.0',
    info: {
      title: 'rtcd',
      version,
      description: 'Every admin operation of rtcd; each is also an rtcctl command.',
    },
    security: [{ session: [], csrf: [] }],
    paths: Object.fromEntries(paths),
    components: {
      schemas: { Failure: FAILURE },
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: 'rtcd' },
        csrf: { type: 'apiKey', in: 'header', name: 'X-CSRF-Token' },
      },
    },
  };
}
