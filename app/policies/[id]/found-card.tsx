import { methods } from '@/lib/methods';
import {
  bytesText,
  type FoundPipeline,
  foundLines,
  importImage,
  type Measurement,
  secondsText,
} from '@/lib/pipeline-imports';
import { Card, CardHeading } from '../../components/ui/card';
import { Cell, HeadCell, Table } from '../../components/ui/table';

/** What an import found of a pipeline: its parts, an image, and what it takes on this machine. */
export function FoundCard({ found, image }: { found: FoundPipeline; image: string | null }) {
  const { measured } = found;
  return (
    <>
      <Card>
        <CardHeading title="What was found">
          When it was imported, every part was tried.
        </CardHeading>
        <div className="flex flex-col gap-6 md:flex-row">
          {image ? (
            <figure className="w-40 shrink-0 sm:w-56">
              <div className="rounded-md bg-film p-2">
                <img
                  src={image}
                  alt={`${importImage.prompt}, as the model drew it when it was imported`}
                  width={found.width}
                  height={found.height}
                  className="block h-auto w-full"
                />
              </div>
              <figcaption className="mt-1.5 text-muted-foreground text-xs">
                “{importImage.prompt}”, {importImage.steps} steps, guidance {importImage.guidance}
              </figcaption>
            </figure>
          ) : null}
          <dl className="grid min-w-0 flex-1 gap-x-6 gap-y-2 text-sm sm:grid-cols-[max-content_1fr]">
            {foundLines(found).map(({ name, text }) => (
              <div key={name} className="contents">
                <dt className="text-muted-foreground">{name}</dt>
                <dd className="mb-1 min-w-0 break-words sm:mb-0">{text}</dd>
              </div>
            ))}
          </dl>
        </div>
      </Card>
      {measured.sizes.length > 0 ? (
        <Card>
          <CardHeading title="What fits on this machine">
            Measured on {measured.machine}, with {bytesText(measured.memoryBytes)} of memory, in a
            few steps; the rest is reckoned from them.
          </CardHeading>
          {measured.sizes.map(({ width, height, drawing, methods: own }) => (
            <div key={`${width}x${height}`} className="mt-4 first-of-type:mt-0">
              <Table label={`${width} × ${height} pixels`}>
                <thead>
                  <tr>
                    <HeadCell>
                      {width} × {height} pixels
                    </HeadCell>
                    <HeadCell>Time</HeadCell>
                    <HeadCell>Memory at most</HeadCell>
                  </tr>
                </thead>
                <tbody>
                  <MeasuredRow name="Drawing" of={drawing} memory={measured.memoryBytes} />
                  {own.map(({ method, ...of }) => (
                    <MeasuredRow
                      key={method}
                      name={methods[method].label}
                      of={of}
                      memory={measured.memoryBytes}
                    />
                  ))}
                </tbody>
              </Table>
            </div>
          ))}
        </Card>
      ) : null}
    </>
  );
}

function MeasuredRow({ name, of, memory }: { name: string; of: Measurement; memory: number }) {
  const { seconds, peakBytes, problem } = of;
  const isTight = peakBytes !== null && peakBytes > 0.8 * memory;
  return (
    <tr>
      <Cell>
        <span className="font-medium">{name}</span>
        {problem ? null : <span className="block text-muted-foreground text-xs">{of.of}</span>}
      </Cell>
      {problem ? (
        <Cell colSpan={2} className="text-muted-foreground">
          {problem}
        </Cell>
      ) : (
        <>
          <Cell className="whitespace-nowrap tabular-nums">
            {seconds === null ? '' : secondsText(seconds)}
          </Cell>
          <Cell className="tabular-nums">
            {peakBytes === null ? '' : bytesText(peakBytes)}
            {isTight ? ', close to all there is' : ''}
          </Cell>
        </>
      )}
    </tr>
  );
}
