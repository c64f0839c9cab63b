ALTER TABLE `samples` ADD `thumbnail_blob` text;--> statement-breakpoint
CREATE INDEX `samples_thumbnail` ON `samples` (`thumbnail_blob`) WHERE thumbnail_blob is not null;