CREATE TABLE `imports` (
	`id` text PRIMARY KEY NOT NULL,
	`pipeline` text NOT NULL,
	`policy_id` text NOT NULL,
	`source` text NOT NULL,
	`sha256` text,
	`format` text,
	`offered` integer NOT NULL,
	`answers` integer DEFAULT 0 NOT NULL,
	`images` integer DEFAULT 0 NOT NULL,
	`people` integer NOT NULL,
	`created_at` integer NOT NULL,
	`finished_at` integer,
	FOREIGN KEY (`policy_id`) REFERENCES `policies`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `imports_file` ON `imports` (`pipeline`,`sha256`);--> statement-breakpoint
CREATE INDEX `imports_created` ON `imports` (`created_at`,`id`);--> statement-breakpoint
-- What was imported was a finished round of a made-up run, one for each pipeline, known by its list of files. It becomes an import of
-- its own under the same id. Which of several files an answer came from was not kept.
INSERT INTO `imports` (`id`, `pipeline`, `policy_id`, `source`, `sha256`, `offered`, `answers`, `images`, `people`, `created_at`, `finished_at`)
SELECT r.`id`, u.`pipeline`, r.`start_policy_id`,
	coalesce((SELECT group_concat(f.`value` ->> '$.file', ', ') FROM json_each(r.`manifest`, '$.imports') f), 'Imported answers'),
	CASE json_array_length(r.`manifest`, '$.imports') WHEN 1 THEN r.`manifest` ->> '$.imports[0].sha256' END,
	r.`progress` ->> '$.labeled', r.`progress` ->> '$.labeled', r.`progress` ->> '$.sampled',
	(SELECT count(*) FROM (
		SELECT p.`annotator_id` FROM `pairs` q JOIN `preferences` p ON p.`pair_id` = q.`id` WHERE q.`round_id` = r.`id`
		UNION SELECT t.`annotator_id` FROM `groups` g JOIN `taggings` t ON t.`group_id` = g.`id` WHERE g.`round_id` = r.`id`)),
	r.`created_at`, coalesce(r.`finished_at`, r.`created_at`)
FROM `rounds` r JOIN `runs` u ON u.`id` = r.`run_id` WHERE json_type(r.`manifest`, '$.imports') = 'array';--> statement-breakpoint
CREATE TABLE `__new_groups` (
	`id` text PRIMARY KEY NOT NULL,
	`round_id` text,
	`import_id` text,
	`prompt` text NOT NULL,
	`size` integer NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`round_id`) REFERENCES `rounds`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "groups_from" CHECK((round_id is not null) + (import_id is not null) = 1)
);
--> statement-breakpoint
INSERT INTO `__new_groups`("id", "round_id", "import_id", "prompt", "size", "created_at") SELECT "id", CASE WHEN "round_id" IN (SELECT "id" FROM `imports`) THEN NULL ELSE "round_id" END, CASE WHEN "round_id" IN (SELECT "id" FROM `imports`) THEN "round_id" END, "prompt", "size", "created_at" FROM `groups`;--> statement-breakpoint
DROP TABLE `groups`;--> statement-breakpoint
ALTER TABLE `__new_groups` RENAME TO `groups`;--> statement-breakpoint
CREATE INDEX `groups_round` ON `groups` (`round_id`);--> statement-breakpoint
CREATE INDEX `groups_import` ON `groups` (`import_id`) WHERE import_id is not null;--> statement-breakpoint
CREATE TABLE `__new_pairs` (
	`id` text PRIMARY KEY NOT NULL,
	`round_id` text,
	`import_id` text,
	`group_id` text,
	`prompt` text NOT NULL,
	`sample_a_id` text NOT NULL,
	`sample_b_id` text NOT NULL,
	`shared_noise` integer NOT NULL,
	`purpose` text NOT NULL,
	`gold_sample_id` text,
	`target` integer NOT NULL,
	`priority` integer DEFAULT 0 NOT NULL,
	`state` text DEFAULT 'open' NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`round_id`) REFERENCES `rounds`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`import_id`) REFERENCES `imports`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`group_id`) REFERENCES `groups`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`sample_a_id`) REFERENCES `samples`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`sample_b_id`) REFERENCES `samples`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`gold_sample_id`) REFERENCES `samples`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "pairs_from" CHECK((round_id is not null) + (import_id is not null) = 1)
);
--> statement-breakpoint
INSERT INTO `__new_pairs`("id", "round_id", "import_id", "group_id", "prompt", "sample_a_id", "sample_b_id", "shared_noise", "purpose", "gold_sample_id", "target", "priority", "state", "created_at") SELECT "id", CASE WHEN "round_id" IN (SELECT "id" FROM `imports`) THEN NULL ELSE "round_id" END, CASE WHEN "round_id" IN (SELECT "id" FROM `imports`) THEN "round_id" END, "group_id", "prompt", "sample_a_id", "sample_b_id", "shared_noise", "purpose", "gold_sample_id", "target", "priority", "state", "created_at" FROM `pairs`;--> statement-breakpoint
DROP TABLE `pairs`;--> statement-breakpoint
ALTER TABLE `__new_pairs` RENAME TO `pairs`;--> statement-breakpoint
CREATE INDEX `pairs_round` ON `pairs` (`round_id`);--> statement-breakpoint
CREATE INDEX `pairs_import` ON `pairs` (`import_id`) WHERE import_id is not null;--> statement-breakpoint
CREATE INDEX `pairs_open` ON `pairs` (`purpose`,`round_id`,`priority`,`id`) WHERE state = 'open';--> statement-breakpoint
CREATE INDEX `pairs_sample_a` ON `pairs` (`sample_a_id`);--> statement-breakpoint
CREATE INDEX `pairs_sample_b` ON `pairs` (`sample_b_id`);--> statement-breakpoint
ALTER TABLE `samples` ADD `import_id` text REFERENCES imports(id);--> statement-breakpoint
UPDATE `samples` SET `import_id` = `round_id`, `round_id` = NULL WHERE `round_id` IN (SELECT `id` FROM `imports`);--> statement-breakpoint
ALTER TABLE `preferences` ADD `import_id` text REFERENCES imports(id);--> statement-breakpoint
UPDATE `preferences` SET `import_id` = q.`import_id` FROM `pairs` q WHERE q.`id` = `pair_id` AND q.`import_id` IS NOT NULL;--> statement-breakpoint
CREATE INDEX `preferences_import` ON `preferences` (`import_id`,`pair_id`,`answer`,`annotator_id`) WHERE import_id is not null and superseded_at is null;--> statement-breakpoint
ALTER TABLE `taggings` ADD `import_id` text REFERENCES imports(id);--> statement-breakpoint
UPDATE `taggings` SET `import_id` = g.`import_id` FROM `groups` g WHERE g.`id` = `group_id` AND g.`import_id` IS NOT NULL;--> statement-breakpoint
CREATE INDEX `taggings_import` ON `taggings` (`import_id`,`group_id`,`annotator_id`) WHERE import_id is not null and superseded_at is null;--> statement-breakpoint
DELETE FROM `events` WHERE `round_id` IN (SELECT `id` FROM `imports`);--> statement-breakpoint
DELETE FROM `tallies` WHERE `round_id` IN (SELECT `id` FROM `imports`);--> statement-breakpoint
DELETE FROM `runs` WHERE `id` IN (SELECT r.`run_id` FROM `rounds` r JOIN `imports` i ON i.`id` = r.`id`);--> statement-breakpoint
DELETE FROM `rounds` WHERE `id` IN (SELECT `id` FROM `imports`);
