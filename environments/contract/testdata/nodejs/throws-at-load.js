function prepare() {
  throw new Error('boom at load');
}

prepare();
