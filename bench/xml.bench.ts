/**
 * What reading costs: a chat message as most clients write it, and one with a prefix, which saxes reads.
 *
 *     npx vitest bench --run bench/xml.bench.ts
 */
import { bench, describe } from 'vitest';
import { XmlParser } from '../src/xml/parser.ts';

const LIMITS = { maxBytes: 262_144, maxDepth: 64, maxAttributes: 64, maxElements: 1000 };
const BODY = 'What light through yonder window breaks? It&apos;s the east, and Juliet is the sun.';
/** Messages of one run. */
const AT_ONCE = 100;

function reading(message: string): () => void {
  const ignore = () => undefined;
  const parser = new XmlParser(
    { open: ignore, element: ignore, close: ignore, fault: ignore },
    LIMITS,
  );
  parser.write(
    Buffer.from("<s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'>"),
  );
  const bytes = Buffer.from(message);
  return () => {
    for (let count = 0; count < AT_ONCE; count += 1) parser.write(bytes);
  };
}

const message = (more: string) =>
  `<message to='juliet@montague.example' type='chat' id='a1b2c3d4'${more}><body>${BODY}</body>` +
  "<active xmlns='http://jabber.org/protocol/chatstates'/></message>";

describe(`${AT_ONCE} messages are read`, () => {
  const options = { time: 2000, warmupTime: 500 };
  bench('plain ones', reading(message('')), options);
  bench('with a prefix', reading(message(" xmlns:p='urn:example' p:a=''")), options);
});
