/** A block of the small Markdown that guidelines are written in. */
export type Block =
  | { kind: 'heading'; level: 2 | 3; text: string }
  | { kind: 'list'; ordered: boolean; items: string[] }
  | { kind: 'paragraph'; text: string };

/** A run of text with one look. */
export type Span = { look: 'plain' | 'strong' | 'emphasis' | 'code'; text: string };

const bullet = /^\s*[-*]\s+/;
const number = /^\s*\d+[.)]\s+/;

/**
 * Headings, lists and paragraphs. Anything else is a paragraph as it stands: nothing is ever HTML.
 */
export function parseBlocks(markdown: string): Block[] {
  return markdown
    .replaceAll('\r\n', '\n')
    .split(/\n{2,}|\n(?=#)|(?<=^#[^\n]*)\n/m)
    .map((chunk) => chunk.trim())
    .filter(Boolean)
    .map(parseBlock);
}

function parseBlock(chunk: string): Block {
  const heading = /^(#{1,6})\s+(.*)$/.exec(chunk);
  if (heading) {
    return { kind: 'heading', level: heading[1] === '#' ? 2 : 3, text: heading[2] ?? '' };
  }
  const lines = chunk.split('\n');
  const first = lines[0] ?? '';
  for (const marker of [bullet, number]) {
    if (marker.test(first)) {
      return { kind: 'list', ordered: marker === number, items: listItems(lines, marker) };
    }
  }
  return { kind: 'paragraph', text: lines.join(' ') };
}

/** A line without a marker goes on with the item above it. */
function listItems(lines: string[], marker: RegExp): string[] {
  const items: string[] = [];
  for (const line of lines) {
    if (marker.test(line)) items.push(line.replace(marker, ''));
    else items.push(`${items.pop() ?? ''} ${line.trim()}`.trim());
  }
  return items;
}

/** **strong**, *emphasis* and `code` within a line; a star between spaces is a star. */
export function parseSpans(text: string): Span[] {
  return text
    .split(/(\*\*(?!\s)[^*]+(?<!\s)\*\*|\*(?!\s)[^*]+(?<!\s)\*|`[^`]+`)/)
    .filter(Boolean)
    .map((part) => {
      if (part.length > 4 && part.startsWith('**'))
        return { look: 'strong', text: part.slice(2, -2) };
      if (part.length > 2 && part.startsWith('*'))
        return { look: 'emphasis', text: part.slice(1, -1) };
      if (part.length > 2 && part.startsWith('`')) return { look: 'code', text: part.slice(1, -1) };
      return { look: 'plain', text: part };
    });
}

/** The text without its marks, a line for every heading, item and paragraph. */
export function plainLines(markdown: string): string[] {
  const plain = (text: string) =>
    parseSpans(text)
      .map((span) => span.text)
      .join('');
  return parseBlocks(markdown).flatMap((block) =>
    block.kind === 'list' ? block.items.map((item) => `• ${plain(item)}`) : [plain(block.text)],
  );
}
