/** A scene with an app server, and a user whose devices can fall asleep. */
import { verdict } from '../../../src/core/hooks.ts';
import { defineModule } from '../../../src/core/module.ts';
import type { Receipt } from '../../../src/core/parcel.ts';
import type { OwnedSession } from '../../../src/core/sessions.ts';
import { carbons } from '../../../src/modules/carbons/index.ts';
import { presence } from '../../../src/modules/presence/index.ts';
import { push } from '../../../src/modules/push/index.ts';
import { roster } from '../../../src/modules/roster/index.ts';
import { type Actor, type Scene, startScene } from '../../support/scene.ts';
import { type AppServer, openAppServer } from './app-server.ts';

/** The user with the phone. */
export const ROMEO = 'romeo@montague.example';
/** Who writes to him. */
export const JULIET = 'juliet@capulet.example';

/** What a test plays with. */
export interface Stage {
  readonly scene: Scene;
  readonly app: AppServer;
  readonly juliet: Actor;
  /** Signs in with a device, and has it woken at a node that is called like it. */
  device(name: string): Promise<Actor>;
  /** Juliet sends a message. */
  say(text?: string, to?: string): Promise<void>;
  /** Rows of the table. */
  rows(): Promise<
    readonly { node: string; unseen: number; failures: number; ended: number | null }[]
  >;
}

/** Keeps messages, and has nobody wait for that. */
const keeper = defineModule({
  name: 'keeper',
  specs: [],
  setup: () => ({ hooks: { undelivered: () => verdict.handled } }),
});

/** Sets it up. */
export async function setStage(settings: Record<string, unknown> = {}): Promise<Stage> {
  const scene = await startScene({
    modules: [roster, presence, carbons, keeper, push],
    accounts: [ROMEO, JULIET],
    settings: { push: settings },
  });
  const app = openAppServer(scene);
  const juliet = await scene.connect(`${JULIET}/balcony`);
  return {
    scene,
    app,
    juliet,
    async device(name) {
      const actor = await scene.connect(`${ROMEO}/${name}`);
      await actor.send('<presence/>');
      await actor.ask('set', enabling(name));
      actor.inbox.length = 0;
      return actor;
    },
    say: (text = 'Wherefore art thou, Romeo?', to = ROMEO) =>
      juliet.send(`<message to='${to}' type='chat'><body>${text}</body></message>`),
    rows() {
      const db = scene.store.tables<{
        push_registrations: {
          node: string;
          unseen: number;
          failures: number;
          ended: number | null;
        };
      }>();
      return scene.store.read(
        db.selectFrom('push_registrations').select(['node', 'unseen', 'failures', 'ended']),
      );
    },
  };
}

/** The request by which a node is enabled. */
export const enabling = (node: string, jid = 'push-5.client.example') =>
  `<enable xmlns='urn:xmpp:push:0' jid='${jid}' node='${node}'/>`;

/** The client of a device is gone for now, or is back. */
export function setAttached({ scene }: Stage, actor: Actor, isAttached: boolean): void {
  const { session } = actor;
  Object.assign(session, { isAttached });
  const { sessionAsleep = [], sessionAwake = [] } = scene.hosts.get(session.host)?.dispatch ?? {};
  for (const hook of isAttached ? sessionAwake : sessionAsleep) hook(session);
}

/**
 * From now on a device acknowledges nothing by itself. The function that is returned has it acknowledge
 * all that it was sent.
 */
export function withhold(actor: Actor): () => void {
  const held: Receipt[] = [];
  const session: OwnedSession = actor.session;
  const { send } = session;
  session.send = (stanza, to, receipt) => {
    if (receipt !== undefined) held.push(receipt);
    send(stanza, to);
  };
  return () => {
    for (const receipt of held.splice(0)) receipt.acknowledged(session);
  };
}
