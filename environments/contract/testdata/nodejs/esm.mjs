// An ES module with a default export and a named one.
import { sep } from 'node:path';

export default async () => ({ status: 200, body: `default of an ES module ${sep}` });
export const named = async () => ({ status: 200, body: 'named of an ES module' });
