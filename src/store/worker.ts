/** The entry of a database thread. */
import { parentPort } from 'node:worker_threads';
import { createEngine } from './engine.ts';
import { serve } from './port.ts';

if (parentPort !== null) serve(parentPort, createEngine());
