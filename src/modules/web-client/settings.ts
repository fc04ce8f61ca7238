/** The config of the web client. */
import { z } from 'zod';
import { accountJid, count, duration, path } from '../../config/fields.ts';

/** A web site; by nothing else in it could it say more in a policy than its name. */
const SITE =
  /^(?:https:\/\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http:\/\/(?:localhost|127\.0\.0\.1))(?::\d{1,5})?$/;

const support = z.object({
  room: accountJid().describe(
    'The room in which colleagues hear who waits; it has to be there, for members only.',
  ),
  title: z.string().min(1).max(60).default('Support').describe('What the chat is called.'),
  greeting: z
    .string()
    .max(300)
    .default('Hello! Write to us here; a colleague answers as soon as one is there.')
    .describe('What a visitor reads above the chat.'),
  embeddedBy: z
    .array(z.string().regex(SITE, 'is not such as https://www.falcot.com'))
    .max(50)
    .default([])
    .describe('The web sites whose pages may show it, such as https://www.falcot.com.'),
  conversations: count(500, { min: 1, max: 10_000 }).describe(
    'How many conversations with visitors there may be, those that are kept among them.',
  ),
  keepFor: duration('30d', { min: '1h', max: '3650d' }).describe(
    'How long after its beginning a conversation is kept that nobody is in any more.',
  ),
});

/** The schema of `modules.webClient`. */
export const webClientConfig = z.object({
  name: z
    .string()
    .min(1)
    .max(60)
    .optional()
    .describe('What it is called: in its title, where one signs in, and when it is installed.')
    .meta({ defaultText: 'the domain' }),
  logo: path()
    .optional()
    .describe('A picture to show in place of our own, as SVG, PNG, JPEG or WebP.')
    .meta({ defaultText: 'our own' }),
  colour: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'is not such as #0b5f6b')
    .default('#0b5f6b')
    .describe('Its main colour; the text on it is white.'),
  support: support
    .optional()
    .describe(
      'A chat for visitors of web sites at /support of a domain for guests (`anonymous: true`).',
    )
    .meta({ defaultText: 'none' }),
});

/** The config of the web client. */
export type WebClientSettings = z.output<typeof webClientConfig>;

/** The config of the chat for visitors. */
export type SupportSettings = z.output<typeof support>;
