import { type Database, db } from './client';

/**
 * A statement prepared on first use and kept with its connection: building and compiling one costs
 * more than running it. Within a decision the runner says which connection, that of the decision's
 * transaction (`yield* one(statement, values)`); else it is the process's own. Values go in by
 * `sql.placeholder`; what a partial index asks for has to stand there as a literal.
 */
export function prepared<S>(prepare: (database: Database) => S): (database?: Database) => S {
  const known = new WeakMap<Database, S>();
  return (database = db()) => {
    const statement = known.get(database) ?? prepare(database);
    known.set(database, statement);
    return statement;
  };
}
