ALTER TABLE `rounds` ADD `freezing` text;--> statement-breakpoint
CREATE INDEX `flags_sample` ON `flags` (`sample_id`);--> statement-breakpoint
CREATE INDEX `preferences_undone` ON `preferences` (`superseded_at`) WHERE superseded_at is not null;--> statement-breakpoint
CREATE INDEX `samples_trajectory` ON `samples` (`trajectory_blob`) WHERE trajectory_blob is not null;--> statement-breakpoint
CREATE INDEX `taggings_undone` ON `taggings` (`superseded_at`) WHERE superseded_at is not null;