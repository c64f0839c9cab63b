/**
 * @file What the judges of hands say that they measure, for the manifest of the built-in policy.
 */
import type { DeclaredJudge } from '@/lib/judges/judging';

export const handsJudge: DeclaredJudge = {
  measures: [
    {
      kind: 'defect',
      id: 'deformed',
      label: 'Deformed hands',
      explanation: 'The judge sees more deformed hands.',
      finding: 'deformed hand',
      lookedFor: 'a wrong number of fingers',
      counted: 'fingers',
      countsAs: 'hand',
    },
    {
      kind: 'defect',
      id: 'blood',
      label: 'Blood',
      explanation: 'The judge sees blood more often.',
      finding: 'blood',
      lookedFor: 'blood',
      countsAs: 'nsfw',
    },
    { kind: 'attribute', id: 'skin', label: 'Skin', explanation: 'The colour of the skin.' },
    { kind: 'attribute', id: 'sleeve', label: 'Sleeve', explanation: 'The colour of the sleeve.' },
    {
      kind: 'attribute',
      id: 'background',
      label: 'Background',
      explanation: 'What is behind the hand.',
    },
    { kind: 'attribute', id: 'pose', label: 'Pose', explanation: 'How the hand is held.' },
  ],
};
