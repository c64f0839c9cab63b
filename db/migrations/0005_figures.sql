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
CREATE INDEX `flags_by` ON `flags` (`annotator_id`) WHERE annotator_id is not null;--> statement-breakpoint
CREATE INDEX `flags_queue` ON `flags` (`state`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `pairs_sample_a` ON `pairs` (`sample_a_id`);--> statement-breakpoint
CREATE INDEX `pairs_sample_b` ON `pairs` (`sample_b_id`);--> statement-breakpoint
CREATE INDEX `preferences_created` ON `preferences` (`created_at`);--> statement-breakpoint
CREATE INDEX `preferences_decision` ON `preferences` (`annotator_id`,`decision_ms`) WHERE superseded_at is null;--> statement-breakpoint
CREATE INDEX `preferences_taken_back` ON `preferences` (`annotator_id`) WHERE superseded_at is not null;--> statement-breakpoint
CREATE INDEX `skips_annotator` ON `skips` (`annotator_id`);--> statement-breakpoint
CREATE INDEX `taggings_created` ON `taggings` (`created_at`);--> statement-breakpoint
CREATE INDEX `rounds_created` ON `rounds` (`created_at`,`ordinal`,`id`);