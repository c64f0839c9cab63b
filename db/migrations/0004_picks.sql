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
CREATE INDEX `preferences_annotator` ON `preferences` (`annotator_id`,`created_at`) WHERE superseded_at is null;--> statement-breakpoint
CREATE INDEX `flags_sample` ON `flags` (`sample_id`);