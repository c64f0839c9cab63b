'use client';

import { shortNumber } from '../../components/figures/format';
import { Cell, HeadCell, Table } from '../../components/ui/table';
import { type Axis, axisNames, type CurvePoint, curvesOf } from './curves';

/**
 * The numbers behind the curves; the latest step stands first, because it is the one people look
 * for.
 */
export function CurvesTable({ points, axis }: { points: CurvePoint[]; axis: Axis }) {
  const columns = curvesOf(points).flatMap(({ title, series }) =>
    series.map(({ key, name }) => ({ key, name: series.length > 1 ? `${title}, ${name}` : title })),
  );
  const rows = axis === 'step' ? [...points].reverse() : points;
  return (
    <div className="max-h-136 overflow-y-auto">
      <Table label={`Training by ${axis}`}>
        <thead>
          <tr>
            <HeadCell>{axisNames[axis]}</HeadCell>
            {columns.map(({ key, name }) => (
              <HeadCell key={key} className="text-right">
                {name}
              </HeadCell>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((point) => (
            <tr key={point.x}>
              <Cell className="tabular-nums">{point.x}</Cell>
              {columns.map(({ key }) => {
                const value = point[key];
                return (
                  <Cell key={key} numeric>
                    {value === undefined ? '–' : shortNumber(value)}
                  </Cell>
                );
              })}
            </tr>
          ))}
        </tbody>
      </Table>
    </div>
  );
}
