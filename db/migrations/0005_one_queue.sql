DROP INDEX `reward_models_waiting`;--> statement-breakpoint
PRAGMA foreign_keys=OFF;--> statement-breakpoint
CREATE TABLE `__new_work` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`round_id` text,
	`reward_model_id` text,
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
	CONSTRAINT "work_about" CHECK((round_id is null) <> (reward_model_id is null))
);
--> statement-breakpoint
INSERT INTO `__new_work`("id", "kind", "round_id", "reward_model_id", "state", "claimed_by", "claimed_at", "heartbeat_at", "attempts", "cursor", "error", "created_at") SELECT "id", "kind", "round_id", NULL, "state", "claimed_by", "claimed_at", "heartbeat_at", "attempts", "cursor", "error", "created_at" FROM `work`;--> statement-breakpoint
DROP TABLE `work`;--> statement-breakpoint
ALTER TABLE `__new_work` RENAME TO `work`;--> statement-breakpoint
PRAGMA foreign_keys=ON;--> statement-breakpoint
CREATE UNIQUE INDEX `work_round_kind` ON `work` (`round_id`,`kind`);--> statement-breakpoint
CREATE UNIQUE INDEX `work_reward_model_kind` ON `work` (`reward_model_id`,`kind`);--> statement-breakpoint
CREATE INDEX `work_waiting` ON `work` (`state`,`created_at`) WHERE state in ('queued', 'claimed');--> statement-breakpoint
ALTER TABLE `rounds` ADD `look_at` integer;--> statement-breakpoint
-- Reward models on their way were their own queue. What a trainer holds is claimed, as of when that trainer was last heard of.
INSERT INTO `work` (`id`, `kind`, `reward_model_id`, `state`, `claimed_by`, `claimed_at`, `heartbeat_at`, `attempts`, `created_at`)
SELECT m.`id`, CASE m.`source` WHEN 'imported' THEN 'import-reward' ELSE 'learn-reward' END, m.`id`,
	CASE m.`state` WHEN 'training' THEN 'claimed' ELSE 'queued' END, m.`claimed_by`,
	CASE m.`state` WHEN 'training' THEN coalesce(w.`heartbeat_at`, 0) END,
	CASE m.`state` WHEN 'training' THEN coalesce(w.`heartbeat_at`, 0) END, m.`attempts`, m.`created_at`
FROM `reward_models` m LEFT JOIN `workers` w ON w.`id` = m.`claimed_by`
WHERE m.`state` IN ('queued', 'training');--> statement-breakpoint
ALTER TABLE `reward_models` DROP COLUMN `claimed_by`;--> statement-breakpoint
ALTER TABLE `reward_models` DROP COLUMN `attempts`;--> statement-breakpoint
UPDATE `rounds` SET `look_at` = 0 WHERE `state` = 'labeling';
