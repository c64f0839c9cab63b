CREATE TABLE `training_labels` (
	`round_id` text NOT NULL,
	`ordinal` integer NOT NULL,
	`sample_id` text NOT NULL,
	`good` integer NOT NULL,
	PRIMARY KEY(`round_id`, `ordinal`),
	FOREIGN KEY (`round_id`) REFERENCES `rounds`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`sample_id`) REFERENCES `samples`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
ALTER TABLE `samples` ADD `origin` text;