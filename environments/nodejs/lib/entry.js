'use strict';

const fs = require('node:fs');
const path = require('node:path');

const EXTENSIONS = ['.js', '.mjs', '.cjs'];

/**
 * Finds the file and the export that an entry point names. `filepath` is a file
 * or a folder; `functionName` is empty, `file`, `file.func`, or, when filepath
 * is a file, `func`. Throws an Error that says what was looked for.
 *
 * @returns {{file: string, exportName: string}} exportName is empty for the default export
 */
function resolveEntry(filepath, functionName = '') {
  const found = isFolder(filepath) ? undefined : findFile(filepath);
  if (found) return { file: found, exportName: functionName.slice(functionName.lastIndexOf('.') + 1) };
  if (!isFolder(filepath)) throw new Error(`no code at ${filepath}`);
  return functionName === '' ? folderDefault(filepath) : inFolder(filepath, functionName);
}

function inFolder(folder, functionName) {
  const whole = findFile(path.join(folder, functionName));
  if (whole) return { file: whole, exportName: '' };
  const dot = functionName.lastIndexOf('.');
  const file = dot > 0 && findFile(path.join(folder, functionName.slice(0, dot)));
  if (file) return { file, exportName: functionName.slice(dot + 1) };
  throw new Error(`entry point ${JSON.stringify(functionName)}: no such file in ${folder}, which has ${listing(folder)}`);
}

/** The folder's own entry: package.json's main, index, or its only code file. */
function folderDefault(folder) {
  const main = packageMain(folder);
  const file = (main && findFile(path.join(folder, main))) || findFile(path.join(folder, 'index')) || onlyCodeFile(folder);
  if (file) return { file, exportName: '' };
  throw new Error(`no entry point given, and ${folder} has no package.json with main, no index.js and not exactly one code file; it has ${listing(folder)}`);
}

function packageMain(folder) {
  const file = path.join(folder, 'package.json');
  if (!isFile(file)) return undefined;
  return JSON.parse(fs.readFileSync(file, 'utf8')).main;
}

function onlyCodeFile(folder) {
  const code = fs.readdirSync(folder).filter((name) => EXTENSIONS.includes(path.extname(name)));
  return code.length === 1 ? path.join(folder, code[0]) : undefined;
}

/** The file itself, with an extension, or the index of the folder of that name. */
function findFile(base) {
  if (isFile(base)) return base;
  for (const extension of EXTENSIONS) {
    if (isFile(base + extension)) return base + extension;
  }
  return isFolder(base) ? findFile(path.join(base, 'index')) : undefined;
}

function isFile(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

function isFolder(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}

function listing(folder) {
  const names = fs.readdirSync(folder);
  return names.length === 0 ? 'nothing' : names.slice(0, 20).join(', ');
}

module.exports = { resolveEntry };
