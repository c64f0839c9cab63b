ALTER TABLE `samples` ADD `drawing` text;--> statement-breakpoint
ALTER TABLE `evaluations` ADD `drawing` text;--> statement-breakpoint
-- How images were drawn is named: steps, eta, guidance scale, and annealing where a method that
-- follows a reward was evaluated with it. What a round measured follows from its configuration.
UPDATE `evaluations` SET `drawing` = (
	SELECT json_extract(r.`config`, '$.sampling.inferenceSteps') || ' ' || json_extract(r.`config`, '$.sampling.eta') || ' '
		|| json_extract(r.`config`, '$.sampling.guidanceScale') || CASE
			WHEN run.`method` IN ('d3po', 'diffusion-dpo', 'kto')
				OR coalesce(json_extract(r.`config`, '$.inference.annealing'), 'draft') = 'draft'
				OR (SELECT p.`parent_id` FROM `policies` p WHERE p.`id` = `evaluations`.`policy_id`) IS NULL THEN ''
			WHEN json_extract(r.`config`, '$.inference.annealing') = 'power' THEN ' power_' || json_extract(r.`config`, '$.inference.exponent')
			WHEN json_extract(r.`config`, '$.inference.annealing') = 'step' THEN ' step_' || json_extract(r.`config`, '$.inference.threshold')
			ELSE ' ' || json_extract(r.`config`, '$.inference.annealing') END
	FROM `rounds` r JOIN `runs` run ON run.`id` = r.`run_id` WHERE r.`id` = `evaluations`.`round_id`)
WHERE `round_id` IS NOT NULL;--> statement-breakpoint
-- The first evaluation of a policy belonged to no round; the same numbers stand in the round's own.
UPDATE `evaluations` SET `drawing` = (
	SELECT e.`drawing` FROM `evaluations` e
	WHERE e.`policy_id` = `evaluations`.`policy_id` AND e.`drawing` IS NOT NULL
	ORDER BY e.`created_at` LIMIT 1)
WHERE `round_id` IS NULL;--> statement-breakpoint
UPDATE `samples` SET `drawing` = (
	SELECT json_extract(r.`config`, '$.sampling.inferenceSteps') || ' ' || json_extract(r.`config`, '$.sampling.eta') || ' '
		|| json_extract(r.`config`, '$.sampling.guidanceScale')
	FROM `rounds` r WHERE r.`id` = `samples`.`round_id`)
WHERE `purpose` <> 'evaluation' AND `origin` IS NULL;--> statement-breakpoint
-- Images to measure by were drawn shortly before the evaluation that follows them.
UPDATE `samples` SET `drawing` = (
	SELECT e.`drawing` FROM `evaluations` e
	WHERE e.`policy_id` = `samples`.`policy_id` AND e.`drawing` IS NOT NULL
		AND (`samples`.`round_id` IS NULL OR e.`round_id` = `samples`.`round_id`)
		AND e.`created_at` >= `samples`.`created_at`
	ORDER BY e.`created_at` LIMIT 1)
WHERE `purpose` = 'evaluation' AND `origin` IS NULL;
