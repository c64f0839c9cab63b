CREATE TABLE `comparisons` (
	`id` text PRIMARY KEY NOT NULL,
	`pipeline` text NOT NULL,
	`one_id` text NOT NULL,
	`other_id` text NOT NULL,
	`until_sure` integer NOT NULL,
	`ended` text,
	`asked_by` text,
	`created_at` integer NOT NULL,
	`ended_at` integer,
	FOREIGN KEY (`one_id`) REFERENCES `policies`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`other_id`) REFERENCES `policies`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`asked_by`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE set null
);
--> statement-breakpoint
CREATE INDEX `comparisons_pipeline` ON `comparisons` (`pipeline`,`created_at`);