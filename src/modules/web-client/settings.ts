/** The config of the web client. */
import { z } from 'zod';
import { path } from '../../config/fields.ts';

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
});

/** The config of the web client. */
export type WebClientSettings = z.output<typeof webClientConfig>;
