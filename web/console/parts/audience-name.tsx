/** An audience as it is read: its kind in the background, its id in front. */

export const EVERYBODY = 'global';

export function AudienceName({ audience }: { readonly audience: string }) {
  const [kind, ...id] = audience.split(':');
  if (id.length === 0) {
    return <span class="audience-name">{audience === EVERYBODY ? 'everybody' : audience}</span>;
  }
  return (
    <span class="audience-name">
      <span class="audience-kind">{kind}:</span>
      {id.join(':')}
    </span>
  );
}
