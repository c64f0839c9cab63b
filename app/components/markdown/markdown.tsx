import { type Block, parseBlocks, parseSpans } from './parse';

/** Renders the guidelines' Markdown as elements, never as HTML text. */
export function Markdown({ children }: { children: string }) {
  return (
    <div className="flex flex-col gap-3 text-sm leading-relaxed">
      {parseBlocks(children).map((block, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the text never changes in place
        <MarkdownBlock key={index} block={block} />
      ))}
    </div>
  );
}

function MarkdownBlock({ block }: { block: Block }) {
  if (block.kind === 'paragraph') return <p>{spans(block.text)}</p>;
  if (block.kind === 'heading') {
    const Heading = block.level === 2 ? 'h3' : 'h4';
    return (
      <Heading className="mt-2 font-semibold text-base first:mt-0">{spans(block.text)}</Heading>
    );
  }
  const List = block.ordered ? 'ol' : 'ul';
  return (
    <List className={`flex flex-col gap-1.5 pl-5 ${block.ordered ? 'list-decimal' : 'list-disc'}`}>
      {block.items.map((item) => (
        <li key={item}>{spans(item)}</li>
      ))}
    </List>
  );
}

const looks = { plain: 'span', strong: 'strong', emphasis: 'em', code: 'code' } as const;

function spans(text: string) {
  return parseSpans(text).map((span, index) => {
    const Look = looks[span.look];
    // biome-ignore lint/suspicious/noArrayIndexKey: the text never changes in place
    return <Look key={index}>{span.text}</Look>;
  });
}
