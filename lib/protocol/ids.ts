import * as z from 'zod';
import { limits } from './limits';
import { handlePattern } from './names';

/** A random UUID in lower case. Users, devices, conversations and messages are named by one, made on the device. */
export const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const idLength = 36;
export const id = z.string().regex(idPattern);

export const handle = z.string().regex(handlePattern).max(limits.handleMaxLength);
