'use client';

import { useState } from 'react';
import type { Ratings } from '../../api/policies/comparisons/schema';
import { plural } from '../../components/figures/format';
import { Button } from '../../components/ui/button';
import { Field, Input } from '../../components/ui/field';
import { FormError } from '../../components/ui/form-error';
import { Select } from '../../components/ui/select';
import { Switch } from '../../components/ui/switch';
import { useToast } from '../../components/ui/toast';
import { useAsk } from './queries';

/** Which two versions, on how many pairs, by how many people each. */
export function AskForm({
  drawing,
  candidates,
  next,
  onAsked,
}: {
  drawing: string;
  candidates: Ratings['candidates'];
  /** What an answer would tell most about. */
  next: Ratings['next'];
  onAsked: () => void;
}) {
  const [one, setOne] = useState(next?.one.id ?? candidates[0]?.id ?? '');
  const [other, setOther] = useState(next?.other.id ?? candidates.at(-1)?.id ?? '');
  const [pairs, setPairs] = useState('30');
  const [people, setPeople] = useState('1');
  const [untilSure, setUntilSure] = useState(true);
  const ask = useAsk();
  const { say } = useToast();
  const options = candidates.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <form
      className="flex flex-col gap-5"
      onSubmit={(event) => {
        event.preventDefault();
        ask.mutate(
          { one, other, drawing, pairs: Number(pairs), people: Number(people), untilSure },
          {
            onSuccess: ({ asked }) => {
              say(`People are asked about ${plural(asked, 'pair')}.`);
              onAsked();
            },
          },
        );
      }}
    >
      <div className="grid gap-5 sm:grid-cols-2">
        <Field
          label="One version"
          help={
            next
              ? `An answer about ${next.one.name} and ${next.other.name} would tell most now.`
              : undefined
          }
        >
          <Select value={one} onChange={setOne} options={options} />
        </Field>
        <Field label="The other">
          <Select value={other} onChange={setOther} options={options} />
        </Field>
        <Field label="Pairs" help="Of those that both drew and nobody was asked about.">
          <Input
            type="number"
            required
            min={1}
            max={200}
            value={pairs}
            onChange={(event) => setPairs(event.target.value)}
          />
        </Field>
        <Field label="People per pair">
          <Input
            type="number"
            required
            min={1}
            max={20}
            value={people}
            onChange={(event) => setPeople(event.target.value)}
          />
        </Field>
      </div>
      <Switch
        label="Stop when one is better beyond chance"
        help="Looked at after every pair, and wrong once in twenty at most for versions that are alike."
        checked={untilSure}
        onChange={setUntilSure}
      />
      <FormError error={ask.error} />
      <div className="flex justify-end">
        <Button type="submit" look="primary" disabled={one === other} busy={ask.isPending}>
          Ask
        </Button>
      </div>
    </form>
  );
}
