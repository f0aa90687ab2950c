import { greeting } from './lib.js';

export default async () => ({ status: 200, body: `${greeting} from a module package` });
