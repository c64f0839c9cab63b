-- A judge declares what it measures: verdicts hold defects by id and the kinds of flag that they count as, summaries hold rates by
-- id. What is stored was measured by the judges of hands, the only ones there were. Numbers are carried over as they are written.
UPDATE `samples` SET `verdict` = json_set(
	json_remove(`verdict`, '$.fingers', '$.deformed', '$.blood', '$.scores'),
	'$.defects', json_patch(
		CASE WHEN json_type(`verdict`, '$.deformed') IS NULL THEN '{}' ELSE json_patch('{}', json_object('deformed', json_object(
			'found', json(`verdict` -> '$.deformed'),
			'score', json(coalesce(`verdict` -> '$.scores.deformed', json_extract(`verdict`, '$.deformed'))),
			'count', json(`verdict` -> '$.fingers')
		))) END,
		CASE WHEN json_type(`verdict`, '$.blood') IS NULL THEN '{}' ELSE json_object('blood', json_object(
			'found', json(`verdict` -> '$.blood'),
			'score', json(coalesce(`verdict` -> '$.scores.blood', json_extract(`verdict`, '$.blood')))
		)) END
	),
	'$.flags', json(CASE
		WHEN json_extract(`verdict`, '$.deformed') AND json_extract(`verdict`, '$.blood') THEN '["hand","nsfw"]'
		WHEN json_extract(`verdict`, '$.deformed') THEN '["hand"]'
		WHEN json_extract(`verdict`, '$.blood') THEN '["nsfw"]'
		ELSE '[]'
	END)
) WHERE `verdict` IS NOT NULL AND json_type(`verdict`, '$.defects') IS NULL;--> statement-breakpoint
-- A summary that counted none of no images was made without a judge: nothing was judged.
UPDATE `evaluations` SET `summary` = replace(replace(json_set(
	json_remove(`summary`, '$.deformed', '$.blood'),
	'$.defects', json(CASE WHEN json_extract(`summary`, '$.deformed.n') + json_extract(`summary`, '$.blood.n') = 0 THEN '{}' ELSE
		json_object('deformed', json(`summary` -> '$.deformed'), 'blood', json(`summary` -> '$.blood')) END)
), '"signal":"formed"', '"signal":"deformed"'), '"signal":"bloodless"', '"signal":"blood"')
WHERE json_type(`summary`, '$.defects') IS NULL;--> statement-breakpoint
UPDATE `events` SET `payload` = replace(replace(json_set(
	json_remove(`payload`, '$.summary.deformed', '$.summary.blood'),
	'$.summary.defects', json(CASE WHEN json_extract(`payload`, '$.summary.deformed.n') + json_extract(`payload`, '$.summary.blood.n') = 0 THEN '{}' ELSE
		json_object('deformed', json(`payload` -> '$.summary.deformed'), 'blood', json(`payload` -> '$.summary.blood')) END)
), '"signal":"formed"', '"signal":"deformed"'), '"signal":"bloodless"', '"signal":"blood"')
WHERE `kind` = 'evaluation' AND json_type(`payload`, '$.summary.defects') IS NULL;
