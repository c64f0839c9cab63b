'use client';

import { Button } from '../../components/ui/button';
import { FormError } from '../../components/ui/form-error';
import { useJoin } from './use-join';

/** One button for somebody whose account exists. */
export function WelcomeBack({ token }: { token: string }) {
  const join = useJoin('/');
  return (
    <div className="flex flex-col gap-4">
      <FormError error={join.error} />
      <Button
        look="primary"
        size="large"
        busy={join.isPending || join.isSuccess}
        onClick={() => join.mutate({ token })}
      >
        Sign in
      </Button>
    </div>
  );
}
