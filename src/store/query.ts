/** Queries as typed values: built and compiled by Kysely, run by the store. */
import {
  type Compilable,
  type CompiledQuery,
  type Dialect,
  type Driver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { StoreError } from './errors.ts';
import type { SqlValue, Statement } from './protocol.ts';

/** A query that yields `Row`s: any Kysely builder, or one already compiled. */
export type Query<Row = unknown> = Compilable<Row> | CompiledQuery<Row>;

/** Kysely's builder for a set of tables; it builds queries and cannot run them. */
export function buildersFor<Tables>(): Kysely<Tables> {
  return new Kysely<Tables>({ dialect });
}

/**
 * Compiles a query once, for the hot path, and gives a function that binds values to it:
 *
 *     const find = prepare((is: { jid: BareJid }) =>
 *       tables.selectFrom('account').selectAll().where('jid', '=', is.jid));
 *     const account = await store.first(find({ jid }));
 *
 * `build` runs once, with a placeholder in each property, which it may only hand to Kysely: what it
 * computes from a value, or decides by it, is wrong.
 */
export function prepare<Values extends { readonly [Name in keyof Values]: SqlValue }, Row>(
  build: (values: Values) => Query<Row>,
): (values: Values) => CompiledQuery<Row> {
  // Kysely keeps parameters as they are, so that a placeholder comes out where its value goes in.
  const placeholders = new Proxy({}, { get: (_, name) => new Placeholder(name) });
  const compiled = compile(build(placeholders as Values));
  const order = compiled.parameters;
  return (values) => {
    const parameters = order.map((parameter) =>
      parameter instanceof Placeholder ? values[parameter.name as keyof Values] : parameter,
    );
    return { ...compiled, parameters };
  };
}

/**
 * The text and parameters of a query.
 * @throws StoreError `query` when a parameter is nothing that SQL knows (undefined, boolean, object)
 */
export function statementOf(query: Query): Statement {
  const { sql, parameters } = compile(query);
  return { sql, parameters: parameters.map((value, index) => toSqlValue(value, index, sql)) };
}

function compile<Row>(query: Query<Row>): CompiledQuery<Row> {
  return 'compile' in query ? query.compile() : query;
}

function toSqlValue(value: unknown, index: number, sql: string): SqlValue {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
      return value;
    default:
      if (value === null) return null;
      // A copy, since a Buffer is often a view of a large pool, all of which would be sent along.
      if (value instanceof Uint8Array) return new Uint8Array(value);
      throw new StoreError(
        'query',
        `parameter ${index + 1} is of type ${typeof value}, in: ${sql}`,
      );
  }
}

class Placeholder {
  readonly name: string | symbol;

  constructor(name: string | symbol) {
    this.name = name;
  }
}

const refuse = (): Promise<never> =>
  Promise.reject(
    new StoreError('query', 'queries are only built here: give them to store.read or store.write'),
  );

const driver: Driver = {
  init: async () => {},
  acquireConnection: refuse,
  beginTransaction: refuse,
  commitTransaction: refuse,
  rollbackTransaction: refuse,
  releaseConnection: async () => {},
  destroy: async () => {},
};

const dialect: Dialect = {
  createAdapter: () => new SqliteAdapter(),
  createDriver: () => driver,
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
};
