ALTER TABLE `user` ADD `has_email` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `user` ADD `imported` integer DEFAULT false NOT NULL;--> statement-breakpoint
-- Until now the address alone told imported people and people without an address; whoever has a password is neither.
UPDATE `user` SET `imported` = true WHERE `email` LIKE '%@imported.invalid' AND `id` NOT IN (SELECT `user_id` FROM `account`);--> statement-breakpoint
UPDATE `user` SET `has_email` = true WHERE `id` IN (SELECT `user_id` FROM `account`) OR (NOT `imported` AND `email` NOT LIKE '%@darkroom.invalid');
