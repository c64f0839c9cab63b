import { type Database, db } from './client';

/**
 * A statement of the current database, prepared on first use and kept with it: building and
 * compiling one costs more than running it. There is one connection, so within a decision it runs
 * in that decision's transaction. Values go in by `sql.placeholder`; what a partial index asks for
 * has to stand there as a literal.
 */
export function prepared<S>(prepare: (database: Database) => S): () => S {
  const known = new WeakMap<Database, S>();
  return () => {
    const database = db();
    const statement = known.get(database) ?? prepare(database);
    known.set(database, statement);
    return statement;
  };
}
