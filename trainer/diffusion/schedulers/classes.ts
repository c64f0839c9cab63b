/**
 * @file What is made of each scheduler class that a pipeline may name. A DDIM step needs the noise
 * schedule the network was trained on, ᾱ_t by training step, and what its output stands for; a step
 * of flow matching needs how far its noise levels are shifted. How else one may solve the same
 * equation does not matter. Source of names and settings: `src/diffusers/schedulers` of
 * huggingface/diffusers.
 */

/** How noise is counted: by the betas of a diffusion, or as the way between image and noise. */
export type Process = 'diffusion' | 'flow';

/** Followed, and what that leaves aside; or the reason why it cannot be. */
export type SchedulerClass = { followed: string; process: Process } | { refused: string };

const diffusion = (followed: string): SchedulerClass => ({ followed, process: 'diffusion' });
const itself = diffusion('its own steps');
const ancestral = diffusion('DDIM at eta 1 takes its steps');
const solver = diffusion('another solver of the same noise schedule');
const sigmas = {
  refused: 'counts noise by σ and scales the UNet’s input by it, not by training steps',
};
const distilled = {
  refused:
    'belongs to a distilled network, which jumps to the finished image instead of saying the noise of a step',
};
const discrete = { refused: 'draws tokens, not latents' };

const classes: Readonly<Record<string, SchedulerClass>> = {
  DDIMScheduler: itself,
  DDIMParallelScheduler: itself,
  DDPMScheduler: ancestral,
  DDPMParallelScheduler: ancestral,
  PNDMScheduler: solver,
  LMSDiscreteScheduler: solver,
  EulerDiscreteScheduler: solver,
  EulerAncestralDiscreteScheduler: ancestral,
  HeunDiscreteScheduler: solver,
  KDPM2DiscreteScheduler: solver,
  KDPM2AncestralDiscreteScheduler: solver,
  DEISMultistepScheduler: solver,
  DPMSolverMultistepScheduler: solver,
  DPMSolverSinglestepScheduler: solver,
  DPMSolverSDEScheduler: solver,
  UniPCMultistepScheduler: solver,
  SASolverScheduler: solver,
  FlowMatchEulerDiscreteScheduler: { followed: 'its own steps', process: 'flow' },
  FlowMatchHeunDiscreteScheduler: { followed: 'another solver of the same flow', process: 'flow' },
  FlowMatchLCMScheduler: distilled,
  LCMScheduler: distilled,
  TCDScheduler: distilled,
  CMStochasticIterativeScheduler: distilled,
  SCMScheduler: distilled,
  ConsistencyDecoderScheduler: distilled,
  EDMEulerScheduler: sigmas,
  EDMDPMSolverMultistepScheduler: sigmas,
  CosineDPMSolverMultistepScheduler: sigmas,
  KarrasVeScheduler: sigmas,
  ScoreSdeVeScheduler: sigmas,
  ScoreSdeVpScheduler: { refused: 'counts noise by a continuous time, not by training steps' },
  IPNDMScheduler: { refused: 'has a noise schedule of its own, without betas' },
  UnCLIPScheduler: { refused: 'belongs to unCLIP, whose networks predict their variance' },
  DDPMWuerstchenScheduler: { refused: 'has a noise schedule of its own, without betas' },
  CogVideoXDDIMScheduler: { refused: 'shifts its noise schedule, for videos' },
  CogVideoXDPMScheduler: { refused: 'shifts its noise schedule, for videos' },
  DDIMInverseScheduler: { refused: 'goes from images to noise' },
  DPMSolverMultistepInverseScheduler: { refused: 'goes from images to noise' },
  RePaintScheduler: { refused: 'fills parts of given images' },
  VQDiffusionScheduler: discrete,
  AmusedScheduler: discrete,
};

/** What is made of a class of diffusers, by its name; one that nobody has looked at is refused. */
export function schedulerClass(name: string): SchedulerClass {
  return classes[name] ?? { refused: 'is no scheduler that Darkroom knows' };
}

/** What a file of a class may leave out, and diffusers fills in otherwise for another class. */
export interface ClassDefaults {
  beta_start: number;
  beta_end: number;
  timestep_spacing: 'leading' | 'linspace';
}

/** DDIM, DDPM and PNDM lead; every other solver spaces its steps evenly to both ends. */
export function classDefaultsOf(name: string): ClassDefaults {
  const wide = /^(Heun|KDPM2|DPMSolverSDE)/.test(name);
  return {
    beta_start: wide ? 0.00085 : 0.0001,
    beta_end: wide ? 0.012 : 0.02,
    timestep_spacing: /^(DDIM|DDPM|PNDM)/.test(name) ? 'leading' : 'linspace',
  };
}
