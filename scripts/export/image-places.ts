/**
 * Where an image's bytes go: into a file beside the lines, or as base64 into the line, in
 * Pick-a-Pic's jpg_0 and jpg_1.
 */
export const imagePlaces = ['beside', 'lines'] as const;
export type ImagePlace = (typeof imagePlaces)[number];
