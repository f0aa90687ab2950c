'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { resolveEntry } = require('./entry');

// Statements that only an ES module may begin a line with.
const ESM_SYNTAX = /^\s*(?:export\s|export\{|import\s[^(]|import[{"'])/m;

/**
 * Loads the function that an entry point names.
 *
 * @returns {Promise<{func: Function, streamsBodies: boolean, takesWebSockets: boolean}>}
 */
async function loadFunction(filepath, functionName, settings) {
  const { file, exportName } = resolveEntry(filepath, functionName);
  const exported = await loadModule(file, settings);
  const func = pick(exported, exportName);
  if (typeof func !== 'function') throw missing(file, exportName, exported);
  const config = func.config || exported.config;
  return { func, streamsBodies: config?.bodyParser === false, takesWebSockets: config?.websocket ?? func.length === 2 };
}

/** CommonJS is required, which is faster; what is written as an ES module is imported. */
async function loadModule(file, { loadESM }) {
  if (!loadESM || path.extname(file) === '.cjs') return require(file);
  if (path.extname(file) === '.mjs' || ESM_SYNTAX.test(fs.readFileSync(file, 'utf8'))) return importFile(file);
  try {
    return require(file);
  } catch (err) {
    if (err.code === 'ERR_REQUIRE_ESM' || err.code === 'ERR_REQUIRE_ASYNC_MODULE') return importFile(file);
    throw err;
  }
}

/**
 * Imports a file as an ES module. Node before 20.19 takes a file without the
 * extension .mjs for CommonJS whatever it says, so there a copy with it is imported.
 */
async function importFile(file) {
  const detects = process.features.require_module === true;
  if (detects || path.extname(file) === '.mjs' || isModulePackage(file)) return import(pathToFileURL(file).href);
  const copy = `${file}.mjs`;
  fs.copyFileSync(file, copy);
  return import(pathToFileURL(copy).href);
}

function isModulePackage(file) {
  const manifest = path.join(path.dirname(file), 'package.json');
  return path.extname(file) === '.js' && fs.existsSync(manifest) && JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
}

/** The named export, or the default one: `export default`, `module.exports =` or `exports.default =`. */
function pick(exported, name) {
  const fallback = exported.default;
  if (name === '') return typeof exported === 'function' ? exported : fallback?.default || fallback;
  return exported[name] || fallback?.[name];
}

function missing(file, exportName, exported) {
  const wanted = exportName === '' ? 'a default export that is a function' : `a function named ${exportName}`;
  const names = Object.keys(exported).filter((name) => typeof exported[name] === 'function');
  const has = names.length === 0 ? 'no function' : names.join(', ');
  return new Error(`${file} must export ${wanted}; it exports ${has}`);
}

module.exports = { loadFunction };
