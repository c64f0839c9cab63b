/** @file One of the judges that an imported judge is made of. */
import type { Verdict } from '@/lib/samples';
import type { JudgedImage } from '@/trainer/judging';

export interface Part {
  /** What is there of the defects that it declares. */
  read(image: JudgedImage): Promise<Verdict['defects']>;
  release(): Promise<void>;
}
