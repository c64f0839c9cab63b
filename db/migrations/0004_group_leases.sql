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
CREATE TABLE `group_skips` (
	`group_id` text NOT NULL,
	`annotator_id` text NOT NULL,
	`created_at` integer NOT NULL,
	PRIMARY KEY(`group_id`, `annotator_id`),
	FOREIGN KEY (`group_id`) REFERENCES `groups`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`annotator_id`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `taggings_annotator` ON `taggings` (`annotator_id`,`created_at`);