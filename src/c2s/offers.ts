/**
 * What clients are offered before they log in. Connections of a kind are offered the same, which is made once
 * for each config of a host: a login asks for it twice (bench, `logins`).
 */
import type { Dispatch } from '../core/dispatch.ts';
import type { Host } from '../core/hosts.ts';
import {
  mechanismNames,
  SCRAM_HASHES,
  type ScramHash,
  tokenMechanisms,
  UPGRADE_HASHES,
  upgradeTask,
} from '../sasl/index.ts';
import type { Offer } from '../stream/negotiation.ts';
import { inlineOffer } from './inline.ts';
import type { C2sServices } from './services.ts';

/** All that an offer of a host depends on: of each there are a few, and of offers some dozens. */
export interface OfferKind {
  readonly isSecure: boolean;
  readonly channelBindings: readonly string[];
  /** The hashes for which the client, if it is who it says to be, has keys. */
  readonly hashes: readonly ScramHash[];
  /** Whether it says who it is. */
  readonly isNamed: boolean;
  /** Whether tokens may be used (XEP-0484). */
  readonly hasTokens: boolean;
}

/** A host has another dispatch with each config. */
const made = new WeakMap<Dispatch, Map<string, Offer>>();

/** What a host offers to connections of a kind. */
export function offerFor(
  host: Host,
  kind: OfferKind,
  services: Pick<C2sServices, 'registry'>,
): Offer {
  let offers = made.get(host.dispatch);
  if (offers === undefined) {
    offers = new Map();
    made.set(host.dispatch, offers);
  }
  const { isSecure, channelBindings, hashes, isNamed, hasTokens } = kind;
  const key = `${isSecure} ${channelBindings.join()} ${hashes.join()} ${isNamed} ${hasTokens}`;
  let offer = offers.get(key);
  if (offer === undefined) {
    offer = makeOffer(host, kind, services);
    offers.set(key, offer);
  }
  return offer;
}

function makeOffer(
  host: Host,
  { isSecure, channelBindings, hashes, isNamed, hasTokens }: OfferKind,
  services: Pick<C2sServices, 'registry'>,
): Offer {
  const offer = {
    plain: isSecure,
    anonymous: host.config.anonymous,
    channelBinding: channelBindings.length > 0,
  };
  // By RFC 6120 nobody needs to say who he is, so that to the nameless all is offered.
  const mechanisms = mechanismNames({ ...offer, hashes: isNamed ? hashes : SCRAM_HASHES });
  if (!isSecure) return { mechanisms, channelBindings, sasl2: undefined }; // XEP-0388 §3
  return {
    mechanisms,
    channelBindings,
    sasl2: {
      mechanisms: mechanismNames({ ...offer, hashes }),
      inline: inlineOffer(host, services),
      tokenMechanisms: hasTokens ? tokenMechanisms(channelBindings) : [],
      upgrades: UPGRADE_HASHES.filter((hash) => !hashes.includes(hash)).map(upgradeTask),
    },
  };
}
