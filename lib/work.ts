/** What a round needs of a trainer, in the order in which it comes. */
export const roundWorkKinds = ['sample', 'train', 'evaluate'] as const;

export type RoundWorkKind = (typeof roundWorkKinds)[number];

/** How a reward model comes to be. */
export const rewardWorkKinds = ['learn-reward', 'import-reward'] as const;

export type RewardWorkKind = (typeof rewardWorkKinds)[number];

/** How a pipeline comes to be known. */
export const pipelineWorkKinds = ['import-pipeline'] as const;

export type PipelineWorkKind = (typeof pipelineWorkKinds)[number];

/** Everything that a trainer can be asked to do. */
export type WorkKind = RoundWorkKind | RewardWorkKind | PipelineWorkKind;

/** Failed: it was given up, and its error says why. Cancelled: nobody wants it any more. */
export type WorkState = 'queued' | 'claimed' | 'done' | 'failed' | 'cancelled';
