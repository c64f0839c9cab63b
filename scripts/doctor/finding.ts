/** What one check of `npm run doctor` found. */
export type Finding = {
  name: string;
  /** `lacking`: something optional is not there. `broken`: the default set-up cannot work. */
  state: 'fine' | 'lacking' | 'broken';
  found: string;
  /** What to do about it; present unless the state is fine. */
  remedy?: string;
};

export const fine = (name: string, found: string): Finding => ({ name, state: 'fine', found });

export const lacking = (name: string, found: string, remedy: string): Finding => ({
  name,
  state: 'lacking',
  found,
  remedy,
});

export const broken = (name: string, found: string, remedy: string): Finding => ({
  name,
  state: 'broken',
  found,
  remedy,
});
