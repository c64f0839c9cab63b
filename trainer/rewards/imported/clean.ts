/**
 * @file What open_clip's own tokenizer, and with it HPSv2's, does to a prompt before it splits it:
 * ftfy mends quotes, widths, ligatures and broken encodings, then HTML entities are read twice.
 * transformers' fast CLIP tokenizer, which PickScore takes, does none of this. Source:
 * `basic_clean` in tgxs002/HPSv2, hpsv2/src/open_clip/tokenizer.py.
 */
import { decodeHTML } from 'entities';
import { fix_text } from 'ftfy-js';

/**
 * The prompt as HPSv2 reads it: “he’s” becomes "he's", full width becomes plain, `a&amp;b` becomes
 * `a&b`.
 */
export function cleanAsOpenClip(prompt: string): string {
  return decodeHTML(decodeHTML(fix_text(prompt))).trim();
}
