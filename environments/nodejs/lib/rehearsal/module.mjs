// Imported by the rehearsal, so that Node has set up its ES module loader.
export default () => 'rehearsal\n';
