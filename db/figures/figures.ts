/**
 * @file The triggers that keep the tables of schema/figures.ts. A pair is taken out with all its
 * answers and put back with those it has then, in the transaction of whatever stores or takes back
 * an answer: no code path can forget to count.
 */
import type SqliteDatabase from 'better-sqlite3';
import { materialTriggers, recountMaterial } from './material-triggers';

/** What an answer says whatever the side order. @param p alias of a row of preferences */
const verdictOf = (p: string) =>
  `case ${p}.answer when 'left' then ${p}.left_sample_id when 'right' then ${p}.right_sample_id else ${p}.answer end`;

/** Standing answers. @param except an answer that does not count yet */
const standing = (p: string, except: string | null) =>
  `${p}.superseded_at is null${except === null ? '' : ` and ${p}.id <> ${except}`}`;

/**
 * Statements that count a pair's answers in (sign 1) or out (sign −1).
 * @param pair the pair's id, in SQL
 * @param except an answer that is not counted, in SQL
 */
function countPair(sign: 1 | -1, pair: string, except: string | null): string[] {
  const own = (p: string) => `${p}.pair_id = ${pair} and ${standing(p, except)}`;
  const alike = `(select count(*) from preferences o where ${own('o')} and ${verdictOf('o')} = ${verdictOf('p')})`;
  const all = `(select count(*) from preferences o where ${own('o')})`;
  const isGold = 'q.gold_sample_id is not null';
  const ofPair = `from preferences p join pairs q on q.id = p.pair_id where ${own('p')}`;
  const adding = (columns: string[]) =>
    columns.map((column) => `\`${column}\` = \`${column}\` + excluded.\`${column}\``).join(', ');
  const figures: Record<string, string> = {
    left: `p.answer = 'left'`,
    right: `p.answer = 'right'`,
    ties: `p.answer = 'tie'`,
    both_bad: `p.answer = 'both-bad'`,
    compared: `iif(${isGold}, 0, ${all} - 1)`,
    agreed: `iif(${isGold}, 0, ${alike} - 1)`,
    gold: isGold,
    gold_right: `${isGold} and ${verdictOf('p')} = q.gold_sample_id`,
  };
  const names = Object.keys(figures);
  return [
    `insert into annotator_counts (annotator_id, ${names.map((name) => `\`${name}\``).join(', ')})
      select p.annotator_id, ${Object.values(figures)
        .map((figure) => `${sign} * (${figure})`)
        .join(', ')}
      ${ofPair} on conflict (annotator_id) do update set ${adding(names)}`,
    `insert into agreement_counts (people, pairs, disagreeing)
      select people, ${sign}, ${sign} * (people * people - alike) from (
        select sum(n) as people, sum(n * n) as alike from (
          select count(*) as n ${ofPair} and not (${isGold}) group by ${verdictOf('p')}))
      where people >= 2 on conflict (people) do update set ${adding(['pairs', 'disagreeing'])}`,
    `insert into verdict_counts (verdict, answers)
      select ${verdictOf('p')}, ${sign} * count(*) ${ofPair} and not (${isGold}) and ${all} >= 2
      group by ${verdictOf('p')} on conflict (verdict) do update set ${adding(['answers'])}`,
  ];
}

const trigger = (name: string, when: string, statements: readonly string[]): [string, string] => [
  name,
  `create trigger ${name} ${when} begin\n${statements.join(';\n')};\nend`,
];

const squares = (change: string) =>
  `insert into verdict_squares (id, squares) values (1, ${change})
    on conflict (id) do update set squares = squares + excluded.squares`;

const triggers = new Map([
  // After, not before: an insert that is ignored, because the row is known, counts nothing out.
  trigger('figures_answer_given', 'after insert on preferences when new.superseded_at is null', [
    ...countPair(-1, 'new.pair_id', 'new.id'),
    ...countPair(1, 'new.pair_id', null),
  ]),
  trigger(
    'figures_answer_changing',
    'before update of superseded_at, answer on preferences',
    countPair(-1, 'old.pair_id', null),
  ),
  trigger(
    'figures_answer_changed',
    'after update of superseded_at, answer on preferences',
    countPair(1, 'new.pair_id', null),
  ),
  trigger(
    'figures_answer_going',
    'before delete on preferences',
    countPair(-1, 'old.pair_id', null),
  ),
  trigger('figures_answer_gone', 'after delete on preferences', countPair(1, 'old.pair_id', null)),
  trigger('figures_verdict', 'after insert on verdict_counts', [
    squares('new.answers * new.answers'),
  ]),
  trigger('figures_verdict_again', 'after update of answers on verdict_counts', [
    squares('new.answers * new.answers - old.answers * old.answers'),
  ]),
  ...materialTriggers.map((one) => trigger(...one)),
]);

const tables = [
  'annotator_counts',
  'agreement_counts',
  'verdict_counts',
  'verdict_squares',
  'material_counts',
  'material_people',
];

/**
 * Makes the triggers what they are here, and counts everything anew if they were not: after an
 * upgrade, and after a migration that rebuilt a table and so dropped its triggers. In one
 * transaction, by whoever migrates.
 */
export function keepFigures(client: SqliteDatabase.Database): void {
  const stored = storedTriggers(client);
  const current =
    stored.length === triggers.size &&
    stored.every(({ name, sql }) => normal(triggers.get(name) ?? '') === normal(sql));
  if (current) return;
  client
    .transaction(() => {
      dropTriggers(client);
      for (const table of tables) client.exec(`delete from ${table}`);
      for (const sql of triggers.values()) client.exec(sql);
      recount(client);
    })
    .immediate();
}

function storedTriggers(client: SqliteDatabase.Database): { name: string; sql: string }[] {
  const stored =
    "select name, sql from sqlite_master where type = 'trigger' and name like 'figures_%'";
  return client.prepare(stored).all() as { name: string; sql: string }[];
}

/**
 * Nothing is counted until `keepFigures` counts all of it: SQLite renames no table while a trigger
 * names one that is being rebuilt.
 */
export function dropTriggers(client: SqliteDatabase.Database): void {
  for (const { name } of storedTriggers(client)) client.exec(`drop trigger ${name}`);
}

/** Counts every pair in once, into empty tables. */
function recount(client: SqliteDatabase.Database): void {
  const statements = countPair(1, '?', null).map((sql) => {
    const places = sql.split('?').length - 1;
    return { statement: client.prepare(sql), places };
  });
  const answered = client
    .prepare('select distinct pair_id from preferences where superseded_at is null')
    .pluck()
    .all() as string[];
  for (const pairId of answered) {
    for (const { statement, places } of statements) {
      statement.run(...Array.from({ length: places }, () => pairId));
    }
  }
  for (const sql of recountMaterial) client.exec(sql);
}

function normal(sql: string): string {
  return sql.replace(/\s+/g, ' ').toLowerCase();
}
