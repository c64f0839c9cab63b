import { index, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import type { Role } from '@/lib/roles';
import { boolean, date, instant, json, serial, whole } from './columns';

/**
 * People, their sessions and credentials: better-auth's tables under better-auth's own names; the
 * first four keep dates.
 */
export const user = sqliteTable('user', {
  id: text().primaryKey(),
  name: text().notNull(),
  email: text().notNull().unique(),
  emailVerified: boolean().notNull().default(false),
  image: text(),
  createdAt: date().notNull(),
  updatedAt: date().notNull(),
  role: text().$type<Role>().notNull().default('annotator'),
  blurNsfw: boolean().notNull().default(false),
  /** Set: may look but change nothing, and their preferences are held back from training. */
  pausedAt: instant(),
  /**
   * Whether the person gave `email`; else it only fills the column, which must hold something
   * unique.
   */
  hasEmail: boolean().notNull().default(false),
  /** Stands for whoever gave imported answers: cannot sign in. */
  imported: boolean().notNull().default(false),
});

export const session = sqliteTable(
  'session',
  {
    id: text().primaryKey(),
    userId: text()
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
    token: text().notNull().unique(),
    expiresAt: date().notNull(),
    ipAddress: text(),
    userAgent: text(),
    createdAt: date().notNull(),
    updatedAt: date().notNull(),
  },
  (table) => [index('session_user').on(table.userId)],
);

export const account = sqliteTable(
  'account',
  {
    id: text().primaryKey(),
    userId: text()
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
    issuer: text().notNull(),
    accountId: text().notNull(),
    providerId: text().notNull(),
    accessToken: text(),
    refreshToken: text(),
    idToken: text(),
    accessTokenExpiresAt: date(),
    refreshTokenExpiresAt: date(),
    scope: text(),
    password: text(),
    createdAt: date().notNull(),
    updatedAt: date().notNull(),
  },
  (table) => [
    index('account_user').on(table.userId),
    uniqueIndex('account_issuer_account').on(table.issuer, table.accountId),
  ],
);

export const verification = sqliteTable(
  'verification',
  {
    id: text().primaryKey(),
    identifier: text().notNull(),
    value: text().notNull(),
    expiresAt: date().notNull(),
    createdAt: date().notNull(),
    updatedAt: date().notNull(),
  },
  (table) => [index('verification_identifier').on(table.identifier)],
);

/** One-time links. Only the hash of the token is stored. */
export const invitations = sqliteTable('invitations', {
  id: text().primaryKey(),
  tokenHash: text().notNull().unique(),
  role: text().$type<Role>().notNull(),
  /** Set: the link signs in this person instead of making a new one. */
  forUserId: text().references(() => user.id, { onDelete: 'cascade' }),
  note: text(),
  /** Null: made by the machine's owner at start. */
  createdBy: text().references(() => user.id, { onDelete: 'set null' }),
  createdAt: instant().notNull(),
  expiresAt: instant().notNull(),
  usedBy: text().references(() => user.id, { onDelete: 'set null' }),
  usedAt: instant(),
  revokedAt: instant(),
});

export const guidelines = sqliteTable('guidelines', {
  version: whole().primaryKey(),
  markdown: text().notNull(),
  createdBy: text().references(() => user.id, { onDelete: 'set null' }),
  createdAt: instant().notNull(),
});

export const consents = sqliteTable(
  'consents',
  {
    userId: text()
      .notNull()
      .references(() => user.id, { onDelete: 'cascade' }),
    kind: text().$type<'terms' | 'nsfw'>().notNull(),
    version: whole().notNull(),
    acceptedAt: instant().notNull(),
  },
  (table) => [primaryKey({ columns: [table.userId, table.kind, table.version] })],
);

export const auditLog = sqliteTable('audit_log', {
  id: serial(),
  /** Null: Darkroom itself. No reference, so that the log outlives the person. */
  actorId: text(),
  action: text().notNull(),
  subject: text().notNull(),
  detail: json<Record<string, unknown>>(),
  createdAt: instant().notNull(),
});

export const settings = sqliteTable('settings', {
  key: text().primaryKey(),
  value: json<unknown>().notNull(),
});
