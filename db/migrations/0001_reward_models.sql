CREATE TABLE `reward_models` (
	`id` text PRIMARY KEY NOT NULL,
	`pipeline` text NOT NULL,
	`source` text NOT NULL,
	`version` integer NOT NULL,
	`state` text NOT NULL,
	`until` integer NOT NULL,
	`claimed_by` text,
	`blob` text,
	`report` text,
	`folder` text,
	`imported` text,
	`error` text,
	`created_by` text,
	`created_at` integer NOT NULL,
	`finished_at` integer,
	FOREIGN KEY (`created_by`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE set null
);
--> statement-breakpoint
CREATE UNIQUE INDEX `reward_models_version` ON `reward_models` (`pipeline`,`source`,`version`);--> statement-breakpoint
CREATE INDEX `reward_models_waiting` ON `reward_models` (`created_at`) WHERE state in ('queued', 'training');