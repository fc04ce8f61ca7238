/** The components of a host, on its page. */

import { Ago, Badge, Table } from '../ui/parts.tsx';
import type { ComponentView } from '../views/hosts.ts';

/** The components of a host; nothing where there are none. */
export const ComponentsCard = (props: { components: readonly ComponentView[]; now: number }) =>
  props.components.length === 0 ? null : (
    <section class="card" aria-labelledby="components">
      <h2 id="components">Components</h2>
      <p class="quiet">Programs of their own, each at a domain of its own (XEP-0114).</p>
      <Table
        caption="Components"
        heads={['Domain', 'State', 'Address', 'Since']}
        rows={props.components.map(({ domain, remote, since }) => [
          <span class="wrap">{domain}</span>,
          since === undefined ? (
            <Badge tone="warning">away</Badge>
          ) : (
            <Badge tone="ok">connected</Badge>
          ),
          since === undefined ? 'unknown' : remote,
          since === undefined ? 'not connected' : <Ago at={since} now={props.now} />,
        ])}
      />
    </section>
  );
