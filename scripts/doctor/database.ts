import { databasePath } from '@/db/client';
import { databaseProblem } from '@/db/health';
import { broken, type Finding, fine, lacking } from './finding';

/** Opens the database as the app does, without changing it. */
export async function database(): Promise<Finding> {
  const problem = await databaseProblem();
  if (!problem) return fine('database', `${databasePath()}, WAL, up to date`);
  const { found, remedy } = problem;
  return problem.broken ? broken('database', found, remedy) : lacking('database', found, remedy);
}
