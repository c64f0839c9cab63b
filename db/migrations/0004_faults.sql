CREATE TABLE `agreement_counts` (
	`people` integer PRIMARY KEY NOT NULL,
	`pairs` integer DEFAULT 0 NOT NULL,
	`disagreeing` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE `annotator_counts` (
	`annotator_id` text PRIMARY KEY NOT NULL,
	`left` integer DEFAULT 0 NOT NULL,
	`right` integer DEFAULT 0 NOT NULL,
	`ties` integer DEFAULT 0 NOT NULL,
	`both_bad` integer DEFAULT 0 NOT NULL,
	`compared` integer DEFAULT 0 NOT NULL,
	`agreed` integer DEFAULT 0 NOT NULL,
	`gold` integer DEFAULT 0 NOT NULL,
	`gold_right` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE `material_counts` (
	`pipeline` text PRIMARY KEY NOT NULL,
	`decided` integer DEFAULT 0 NOT NULL,
	`silent` integer DEFAULT 0 NOT NULL,
	`good` integer DEFAULT 0 NOT NULL,
	`bad` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE `material_people` (
	`pipeline` text NOT NULL,
	`annotator_id` text NOT NULL,
	`answers` integer DEFAULT 0 NOT NULL,
	`taggings` integer DEFAULT 0 NOT NULL,
	`flags` integer DEFAULT 0 NOT NULL,
	PRIMARY KEY(`pipeline`, `annotator_id`)
);
--> statement-breakpoint
CREATE TABLE `verdict_counts` (
	`verdict` text PRIMARY KEY NOT NULL,
	`answers` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE `verdict_squares` (
	`id` integer PRIMARY KEY NOT NULL,
	`squares` integer DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE `group_leases` (
	`id` text PRIMARY KEY NOT NULL,
	`group_id` text NOT NULL,
	`annotator_id` text NOT NULL,
	`sample_ids` text NOT NULL,
	`served_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`released_at` integer,
	FOREIGN KEY (`group_id`) REFERENCES `groups`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`annotator_id`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `group_leases_group_annotator` ON `group_leases` (`group_id`,`annotator_id`);--> statement-breakpoint
CREATE INDEX `group_leases_annotator` ON `group_leases` (`annotator_id`,`released_at`);--> statement-breakpoint
CREATE INDEX `group_leases_live` ON `group_leases` (`expires_at`) WHERE released_at is null;--> statement-breakpoint
CREATE TABLE `group_skips` (
	`group_id` text NOT NULL,
	`annotator_id` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`group_id`, `annotator_id`),
	FOREIGN KEY (`group_id`) REFERENCES `groups`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`annotator_id`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `tallies` (
	`annotator_id` text NOT NULL,
	`round_id` text NOT NULL,
	`answers` integer NOT NULL,
	`lead` integer NOT NULL,
	PRIMARY KEY(`annotator_id`, `round_id`),
	FOREIGN KEY (`annotator_id`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`round_id`) REFERENCES `rounds`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
DROP INDEX `leases_annotator`;--> statement-breakpoint
CREATE INDEX `leases_live` ON `leases` (`annotator_id`,`expires_at`) WHERE released_at is null;--> statement-breakpoint
CREATE INDEX `leases_ending` ON `leases` (`expires_at`) WHERE released_at is null;--> statement-breakpoint
DROP INDEX `pairs_open`;--> statement-breakpoint
CREATE INDEX `pairs_sample_a` ON `pairs` (`sample_a_id`);--> statement-breakpoint
CREATE INDEX `pairs_sample_b` ON `pairs` (`sample_b_id`);--> statement-breakpoint
CREATE INDEX `pairs_open` ON `pairs` (`purpose`,`round_id`,`priority`,`id`) WHERE state = 'open';--> statement-breakpoint
DROP INDEX `preferences_annotator`;--> statement-breakpoint
CREATE INDEX `preferences_created` ON `preferences` (`created_at`);--> statement-breakpoint
CREATE INDEX `preferences_decision` ON `preferences` (`annotator_id`,`decision_ms`) WHERE superseded_at is null;--> statement-breakpoint
CREATE INDEX `preferences_taken_back` ON `preferences` (`annotator_id`) WHERE superseded_at is not null;--> statement-breakpoint
CREATE INDEX `preferences_undone` ON `preferences` (`superseded_at`) WHERE superseded_at is not null;--> statement-breakpoint
CREATE INDEX `preferences_annotator` ON `preferences` (`annotator_id`,`created_at`) WHERE superseded_at is null;--> statement-breakpoint
ALTER TABLE `user` ADD `has_email` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `user` ADD `imported` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `reward_models` ADD `attempts` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `rounds` ADD `freezing` text;--> statement-breakpoint
ALTER TABLE `rounds` ADD `tidied` text;--> statement-breakpoint
CREATE INDEX `rounds_created` ON `rounds` (`created_at`,`ordinal`,`id`);--> statement-breakpoint
CREATE INDEX `flags_by` ON `flags` (`annotator_id`) WHERE annotator_id is not null;--> statement-breakpoint
CREATE INDEX `flags_queue` ON `flags` (`state`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `flags_sample` ON `flags` (`sample_id`);--> statement-breakpoint
CREATE INDEX `samples_trajectory` ON `samples` (`trajectory_blob`) WHERE trajectory_blob is not null;--> statement-breakpoint
CREATE INDEX `skips_annotator` ON `skips` (`annotator_id`);--> statement-breakpoint
CREATE INDEX `taggings_annotator` ON `taggings` (`annotator_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `taggings_created` ON `taggings` (`created_at`);--> statement-breakpoint
CREATE INDEX `taggings_undone` ON `taggings` (`superseded_at`) WHERE superseded_at is not null;--> statement-breakpoint
-- Until now the address alone told imported people and people without an address; whoever has a password is neither.
UPDATE `user` SET `imported` = true WHERE `email` LIKE '%@imported.invalid' AND `id` NOT IN (SELECT `user_id` FROM `account`);--> statement-breakpoint
UPDATE `user` SET `has_email` = true WHERE `id` IN (SELECT `user_id` FROM `account`) OR (NOT `imported` AND `email` NOT LIKE '%@darkroom.invalid');
