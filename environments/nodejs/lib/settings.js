'use strict';

const DEFAULT_PORT = 8888;
const UNITS = { '': 1, b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/**
 * Reads the runtime's settings from its arguments and environment; throws an
 * Error that names the variable when a value cannot be used.
 *
 * @returns {{host: string, port: number, codePath: string, bodyLimit: number, pingMs: number,
 *   loadESM: boolean, showErrors: boolean, log: function(string): void}}
 */
function readSettings(args, env) {
  const { host, port } = parseAddress(env.HOTPOD_RUNTIME_ADDRESS || `0.0.0.0:${option(args, 'port') || DEFAULT_PORT}`);
  return {
    host,
    port,
    codePath: option(args, 'codepath') || `${env.USERFUNCVOL || '/userfunc'}/user`,
    bodyLimit: parseSize('BODY_PARSER_LIMIT', env.BODY_PARSER_LIMIT || '64mb'),
    pingMs: parseMilliseconds('TIMEOUT', env.TIMEOUT || '60000'),
    loadESM: env.LOAD_ESM !== 'false',
    showErrors: env.HOTPOD_SHOW_ERRORS !== 'false',
    log: console.log,
  };
}

/** Finds `--name value` or `--name=value`; undefined when it is not there. */
function option(args, name) {
  const at = args.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  if (at < 0) return undefined;
  return args[at].includes('=') ? args[at].slice(name.length + 3) : args[at + 1];
}

/** Parses `host:port`, `[v6]:port` or `:port`. */
function parseAddress(address) {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(address);
  if (!match || Number(match[3]) > 65535) {
    throw new Error(`HOTPOD_RUNTIME_ADDRESS must be host:port, not ${JSON.stringify(address)}`);
  }
  return { host: match[1] || match[2] || '0.0.0.0', port: Number(match[3]) };
}

/** Parses a number of bytes with an optional unit, as in `512kb` or `64mb`. */
function parseSize(name, text) {
  const match = /^(\d+)\s*(b|kb|mb|gb)?$/i.exec(text.trim());
  if (!match) throw new Error(`${name} must be a size such as 64mb, not ${JSON.stringify(text)}`);
  return Number(match[1]) * UNITS[(match[2] || '').toLowerCase()];
}

function parseMilliseconds(name, text) {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${name} must be a number of milliseconds, not ${JSON.stringify(text)}`);
  return Number(text);
}

module.exports = { readSettings, parseAddress, parseSize };
