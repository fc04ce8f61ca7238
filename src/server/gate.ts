/** The gate of all ports: proxies that the config names tell who is behind them. */
import type { Config } from '../config/schema.ts';
import { addressList, contains } from '../http/client.ts';
import type { Clock } from '../kit/clock.ts';
import type { Logger } from '../kit/log.ts';
import { createProxyGate, type ProxyGate } from '../kit/proxy-gate.ts';

/** Makes the gate; `config` answers the config as it is by then. */
export function createGate(clock: Clock, log: Logger, config: () => Config): ProxyGate {
  let entries: readonly string[] = [];
  let proxies = addressList(entries);
  return createProxyGate({
    clock,
    isProxy(address) {
      const now = config().server.proxyProtocol;
      if (now !== entries) {
        entries = now;
        proxies = addressList(now);
      }
      return entries.length > 0 && contains(proxies, address);
    },
    refused: (proxy) => log.warn({ proxy }, 'a proxy sent no header of the PROXY protocol'),
  });
}
