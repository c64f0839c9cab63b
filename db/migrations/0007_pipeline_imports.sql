CREATE TABLE `pipeline_imports` (
	`id` text PRIMARY KEY NOT NULL,
	`folder` text NOT NULL,
	`options` text NOT NULL,
	`state` text NOT NULL,
	`progress` text,
	`found` text,
	`image_blob` text,
	`policy_id` text,
	`error` text,
	`created_by` text,
	`created_at` integer NOT NULL,
	`finished_at` integer,
	FOREIGN KEY (`policy_id`) REFERENCES `policies`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`created_by`) REFERENCES `user`(`id`) ON UPDATE no action ON DELETE set null
);
--> statement-breakpoint
CREATE INDEX `pipeline_imports_policy` ON `pipeline_imports` (`policy_id`);--> statement-breakpoint
CREATE INDEX `pipeline_imports_image` ON `pipeline_imports` (`image_blob`);--> statement-breakpoint
PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_work` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`round_id` text,
	`reward_model_id` text,
	`pipeline_import_id` text,
	`state` text NOT NULL,
	`claimed_by` text,
	`claimed_at` integer,
	`heartbeat_at` integer,
	`attempts` integer DEFAULT 0 NOT NULL,
	`cursor` text,
	`error` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`round_id`) REFERENCES `rounds`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`reward_model_id`) REFERENCES `reward_models`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`pipeline_import_id`) REFERENCES `pipeline_imports`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "work_about" CHECK((round_id is not null) + (reward_model_id is not null) + (pipeline_import_id is not null) = 1)
);
--> statement-breakpoint
INSERT INTO `__new_work`("id", "kind", "round_id", "reward_model_id", "state", "claimed_by", "claimed_at", "heartbeat_at", "attempts", "cursor", "error", "created_at") SELECT "id", "kind", "round_id", "reward_model_id", "state", "claimed_by", "claimed_at", "heartbeat_at", "attempts", "cursor", "error", "created_at" FROM `work`;--> statement-breakpoint
DROP TABLE `work`;--> statement-breakpoint
ALTER TABLE `__new_work` RENAME TO `work`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE UNIQUE INDEX `work_round_kind` ON `work` (`round_id`,`kind`);--> statement-breakpoint
CREATE UNIQUE INDEX `work_reward_model_kind` ON `work` (`reward_model_id`,`kind`);--> statement-breakpoint
CREATE UNIQUE INDEX `work_pipeline_import_kind` ON `work` (`pipeline_import_id`,`kind`);--> statement-breakpoint
CREATE INDEX `work_waiting` ON `work` (`state`,`created_at`) WHERE state in ('queued', 'claimed');