/** Why a form was refused, announced when it appears. */
export function FormError({ error }: { error: Error | null }) {
  return (
    <p role="alert" className="text-destructive text-sm empty:hidden">
      {error?.message}
    </p>
  );
}
